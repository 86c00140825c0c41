import { type Normalisation, normalise } from '../normalise.js'
import { centreCrop } from './centre-crop.js'
import { checkImage, type RawImage } from './raw-image.js'
import { resizeBicubic } from './resize-bicubic.js'

/** How an image becomes a square of a model's size: resized so that its short side is given, then cropped at its centre. */
export type EvaluationCrop = {
  /** Height and width of the result, 224 for DeiT. */
  readonly size: number
} & (
  | {
      /** Pixels of the short side before the crop, 256 for DeiT. */
      readonly resize: number
      readonly cropPct?: never
    }
  | {
      /** The same as a share, timm's `crop_pct`: the short side is floor(size / cropPct). 0.875 makes 224 to 256, 0.9 to 248. */
      readonly cropPct: number
      readonly resize?: never
    }
)

/**
 * Resizes and crops as timm does for evaluation (`create_transform(..., is_training=False)` with bicubic interpolation and crop mode 'center'),
 * bit for bit. The long side is resized to floor(long x new short / short).
 *
 * @returns uint8 pixels [size, size, channels]
 * @throws when the options are not possible or the image is not as large as it says
 */
export const evaluationCrop = (image: RawImage, options: EvaluationCrop): RawImage => {
  const short = shortSide(options)
  checkImage(image)
  const { height, width } = image
  const long = Math.trunc((short * Math.max(height, width)) / Math.min(height, width))
  const size = height < width ? { height: short, width: long } : { height: long, width: short }
  return centreCrop(resizeBicubic(image, size), options.size)
}

/**
 * timm's whole evaluation transform as a function: resize, centre crop, then (pixel / 255 - mean) / std per channel.
 * ImageNet weights of DeiT: `{ size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }`.
 *
 * @returns a function from an image to float32 values [size, size, channels]
 * @throws when the options are not possible; the function throws when the image has other channels than there are means
 */
export const evaluationTransform = (options: EvaluationCrop & Normalisation): ((image: RawImage) => Float32Array) => {
  shortSide(options)
  normalise(new Uint8Array(), options)
  return (image) => {
    if (image.channels !== options.mean.length)
      throw new Error(`images of ${image.channels} channels need ${image.channels} means and stds, got ${options.mean.length}`)
    return normalise(evaluationCrop(image, options).data, options)
  }
}

const shortSide = ({ size, resize, cropPct }: EvaluationCrop): number => {
  if (!Number.isInteger(size) || size < 1) throw new Error(`the size of the crop must be a positive integer, got ${size}`)
  if ((resize === undefined) === (cropPct === undefined))
    throw new Error('give either the short side before the crop, such as { resize: 256 }, or its share, such as { cropPct: 0.875 }')
  if (cropPct !== undefined) {
    if (!(cropPct > 0 && cropPct <= 1)) throw new Error(`cropPct must be above 0 and at most 1, got ${cropPct}`)
    return Math.floor(size / cropPct)
  }
  if (!Number.isInteger(resize) || resize < size)
    throw new Error(`resize must be an integer of at least the size of the crop, ${size}, got ${resize}`)
  return resize
}
