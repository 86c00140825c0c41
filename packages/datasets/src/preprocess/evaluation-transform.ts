import type { Interpolation, Preprocessing, RawImage } from '@learngene/interfaces'
import { normalise } from '../normalise.js'
import { centreCrop, cropOffset, roundHalfToEven } from './centre-crop.js'
import { checkPreprocessing } from './preprocessing.js'
import { checkImage } from './raw-image.js'
import { resizeImage, resizePart } from './resize.js'

/**
 * Resizes and crops an image as the model's library does for evaluation, bit for bit: timm's `create_transform(..., is_training=False)`, or a processor of
 * transformers that works with Pillow; see `Framing` of `@learngene/interfaces`.
 *
 * @returns uint8 pixels [height, width, channels] of `preprocessing.size`
 * @throws when the preprocessing is not possible, or the image has not the size that it takes
 */
export const evaluationCrop = (image: RawImage, preprocessing: Preprocessing): RawImage => {
  checkPreprocessing(preprocessing)
  checkImage(image)
  const { size, interpolation } = preprocessing
  if ('crop' in preprocessing) {
    const { crop, cropPct, mean } = preprocessing
    const scaled = size.map((side) => Math.floor(side / cropPct)) as [number, number]
    if (crop === 'squash') return middleOf(image, sides(scaled), interpolation, size)
    if (crop === 'border') {
      const fill = mean.map((value) => roundHalfToEven(255 * value))
      return centreCrop(resizeImage(image, keepingRatio(image, scaled, Math.max), interpolation), size, { fill })
    }
    const [height, width] = scaled
    const resized = height === width ? shortestEdge(image, height) : keepingRatio(image, scaled, Math.min)
    return middleOf(image, resized, interpolation, size)
  }
  const { resize, centerCrop } = preprocessing
  if (resize === 'none' && centerCrop) return centreCrop(image, size, { rounding: 'down' })
  const to = resize === 'none' ? image : 'squash' in resize ? sides(resize.squash) : shortestEdge(image, resize.shortest)
  if (centerCrop) return middleOf(image, to, interpolation, size, 'down')
  const resized = resize === 'none' ? image : resizeImage(image, to, interpolation)
  if (resized.height !== size[0] || resized.width !== size[1])
    throw new Error(
      `the preprocessing neither resizes nor crops images to the network's ${size.join(' x ')}, so they must be of that size, got ${resized.height} x ${resized.width}`,
    )
  return resized
}

/**
 * The whole evaluation transform as a function: resize, crop, then (pixel / 255 - mean) / std per channel. ImageNet weights of DeiT take
 * `{ size: [224, 224], crop: 'center', cropPct: 0.875, interpolation: 'bicubic', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }`.
 *
 * @returns a function from an image to float32 values [height, width, channels]
 * @throws when the preprocessing is not possible; the function throws when the image has other channels than there are means
 */
export const evaluationTransform = (preprocessing: Preprocessing): ((image: RawImage) => Float32Array) => {
  checkPreprocessing(preprocessing)
  const { mean } = preprocessing
  return (image) => {
    if (image.channels !== mean.length)
      throw new Error(`images of ${image.channels} channels need ${image.channels} means and stds, got ${mean.length}`)
    return normalise(evaluationCrop(image, preprocessing).data, preprocessing)
  }
}

/** The middle of a resized image, which may be the image itself; where nothing has to be padded, only that part is computed. */
const middleOf = (
  image: RawImage,
  resized: { readonly height: number; readonly width: number },
  interpolation: Interpolation,
  size: readonly [number, number],
  rounding: 'even' | 'down' = 'even',
): RawImage => {
  const stays = [image, resized].every(({ height, width }) => height === size[0] && width === size[1])
  if (stays) return image
  const [top, left] = [cropOffset(resized.height - size[0], rounding), cropOffset(resized.width - size[1], rounding)]
  if (top < 0 || left < 0) return centreCrop(resizeImage(image, resized, interpolation), size, { rounding })
  return resizePart(image, resized, { top, left, height: size[0], width: size[1] }, interpolation)
}

const sides = ([height, width]: readonly [number, number]) => ({ height, width })

/** The short side gets its size, the long side floor(long x new short / short), as torchvision and transformers have it. */
const shortestEdge = ({ height, width }: RawImage, short: number) => {
  const long = Math.trunc((short * Math.max(height, width)) / Math.min(height, width))
  return height < width ? { height: short, width: long } : { height: long, width: short }
}

/** timm's ResizeKeepRatio: both sides divided by one ratio, the larger (fits in) or the smaller (covers), and rounded. */
const keepingRatio = ({ height, width }: RawImage, [targetHeight, targetWidth]: readonly [number, number], choose: typeof Math.max) => {
  const ratio = choose(height / targetHeight, width / targetWidth)
  return { height: Math.max(1, roundHalfToEven(height / ratio)), width: Math.max(1, roundHalfToEven(width / ratio)) }
}
