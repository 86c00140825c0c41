import type { RawImage } from '@learngene/interfaces'
import { checkImage } from './raw-image.js'

export interface CentreCropOptions {
  /** Where the borders that are cut off cannot be equal: half the surplus with halves rounded to even, as torchvision and timm, or down, as transformers. */
  readonly rounding?: 'even' | 'down'
  /** One value per channel around an image that is smaller; default 0. What is added before it is the smaller half, with rounding down the larger one. */
  readonly fill?: readonly number[]
}

/**
 * The middle of an image, [height, width]; padded where the image is smaller.
 *
 * @throws when the image is not as large as it says or a size is not a positive integer
 */
export const centreCrop = (
  image: RawImage,
  [height, width]: readonly [number, number],
  { rounding = 'even', fill = [0] }: CentreCropOptions = {},
): RawImage => {
  checkImage(image)
  for (const side of [height, width]) {
    if (!Number.isInteger(side) || side < 1)
      throw new Error(`centreCrop: height and width must be positive integers, got ${height} x ${width}`)
  }
  const { data, channels } = image
  const top = cropOffset(image.height - height, rounding)
  const left = cropOffset(image.width - width, rounding)
  const [x0, x1] = [Math.max(0, left), Math.min(image.width, left + width)]
  const cropped = new Uint8Array(height * width * channels)
  if (height > image.height || width > image.width) {
    for (let i = 0; i < cropped.length; i++) cropped[i] = fill[i % channels] ?? fill[0]!
  }
  for (let y = Math.max(0, top); y < Math.min(image.height, top + height); y++) {
    const row = y * image.width
    cropped.set(data.subarray((row + x0) * channels, (row + x1) * channels), ((y - top) * width + x0 - left) * channels)
  }
  return { data: cropped, height, width, channels }
}

/** Where the middle begins; below 0 where the image must be padded. */
export const cropOffset = (surplus: number, rounding: 'even' | 'down'): number => {
  if (rounding === 'down') return Math.floor(surplus / 2)
  return surplus < 0 ? -Math.floor(-surplus / 2) : roundHalfToEven(surplus / 2)
}

/** As Python rounds. */
export const roundHalfToEven = (x: number): number => {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
