import type { RawImage } from '@learngene/interfaces'
import { grey } from '../preprocess/grey.js'
import { blend } from './lookups.js'

/** Operations on more than one value at a time, as Pillow computes them, bit for bit. They return new pixels. */

/** Towards grey (factor 0) or away from it (above 1). An image of one channel stays as it is. */
export const colour = (image: RawImage, factor: number): RawImage => {
  if (image.channels === 1) return image
  const greys = grey(image).data
  return blended(image, factor, (i) => greys[Math.trunc(i / 3)]!)
}

/** Towards a smoothed image (factor 0) or away from it (above 1): each pixel counts 5, its eight neighbours 1; those of the border are not smoothed. */
export const sharpness = (image: RawImage, factor: number): RawImage => {
  const { data, height, width, channels } = image
  const row = width * channels
  const smooth = data.slice()
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let sum = 4 * data[i]!
      for (let at = i - row; at <= i + row; at += row) sum += data[at - channels]! + data[at]! + data[at + channels]!
      smooth[i] = Math.floor((2 * sum + 13) / 26)
    }
  }
  return blended(image, factor, (i) => smooth[i]!)
}

const blended = (image: RawImage, factor: number, other: (i: number) => number): RawImage => {
  const alpha = Math.fround(factor)
  return { ...image, data: image.data.map((value, i) => blend(other(i), value, alpha)) }
}

/** What a moved image is made of. */
export interface AffineOptions {
  readonly interpolation: 'bilinear' | 'bicubic'
  /** One value per channel where nothing came from. */
  readonly fill: readonly number[]
}

/** Turns by degrees, against the clock, about the middle, in the same size: `Image.rotate`. */
export const rotate = (image: RawImage, degrees: number, options: AffineOptions): RawImage => {
  if (degrees === 0) return image
  const angle = -((((degrees % 360) + 360) % 360) * (Math.PI / 180))
  const rounded = (value: number): number => Number(value.toFixed(15))
  const [cos, sin] = [rounded(Math.cos(angle)), rounded(Math.sin(angle))]
  const [x, y] = [image.width / 2, image.height / 2]
  return affine(image, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y], options)
}

/**
 * An image of the same size whose pixel at (x, y) comes from (a x + b y + c, d x + e y + f), coordinates being those of the pixels' middles: `Image.transform` with `AFFINE`,
 * which interpolates between the pixels about a place without regard to scale.
 */
export const affine = (
  image: RawImage,
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
  { interpolation, fill }: AffineOptions,
): RawImage => {
  const { height, width, channels } = image
  const moved = new Uint8Array(image.data.length)
  const sample = interpolation === 'bicubic' ? sampleBicubic : sampleBilinear
  for (let row = 0, to = 0; row < height; row++) {
    const yIn = row + 0.5
    for (let column = 0; column < width; column++, to += channels) {
      const xIn = column + 0.5
      const x = a * xIn + b * yIn + c
      const y = d * xIn + e * yIn + f
      if (x < 0 || x >= width || y < 0 || y >= height) for (let k = 0; k < channels; k++) moved[to + k] = fill[k]!
      else sample(image, x - 0.5, y - 0.5, moved, to)
    }
  }
  return { ...image, data: moved }
}

const sampleBilinear = ({ data, height, width, channels }: RawImage, x: number, y: number, moved: Uint8Array, to: number): void => {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [dx, dy] = [x - left, y - top]
  const x0 = Math.max(0, left) * channels
  const x1 = Math.min(width - 1, left + 1) * channels
  const upper = Math.max(0, top) * width * channels
  const lower = Math.min(height - 1, top + 1) * width * channels
  for (let k = 0; k < channels; k++) {
    const first = data[upper + x0 + k]! + (data[upper + x1 + k]! - data[upper + x0 + k]!) * dx
    const second = data[lower + x0 + k]! + (data[lower + x1 + k]! - data[lower + x0 + k]!) * dx
    moved[to + k] = first + (second - first) * dy
  }
}

const sampleBicubic = ({ data, height, width, channels }: RawImage, x: number, y: number, moved: Uint8Array, to: number): void => {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [dx, dy] = [x - left, y - top]
  const x0 = Math.max(0, left - 1) * channels
  const x1 = Math.max(0, left) * channels
  const x2 = Math.min(width - 1, left + 1) * channels
  const x3 = Math.min(width - 1, left + 2) * channels
  for (let k = 0; k < channels; k++) {
    const along = (row: number): number => {
      const at = Math.min(height - 1, Math.max(0, row)) * width * channels + k
      return cubic(data[at + x0]!, data[at + x1]!, data[at + x2]!, data[at + x3]!, dx)
    }
    const value = cubic(along(top - 1), along(top), along(top + 1), along(top + 2), dy)
    moved[to + k] = Math.min(255, Math.max(0, value))
  }
}

/** Between b and c, by Keys' kernel of parameter -1. */
const cubic = (a: number, b: number, c: number, d: number, at: number): number =>
  b + at * (-a + c + at * (2 * (a - b) + c - d + at * (-a + b - c + d)))
