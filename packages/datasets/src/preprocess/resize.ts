import type { Interpolation, RawImage } from '@learngene/interfaces'
import { type PixelWeights, resamplingWeights } from '@learngene/ops'
import { checkImage } from './raw-image.js'

/** The names of `Interpolation`, as Pillow's `Image.Resampling` has them. */
export const interpolations: readonly Interpolation[] = ['nearest', 'bilinear', 'bicubic', 'lanczos']

/** Bits after the point of the weights: 32 less 8 for the pixel and 2 for sums beyond 255, so that sums fit into 32 bits. */
const PRECISION_BITS = 32 - 8 - 2

/** A rectangle of an image. */
export interface Part {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/**
 * Resizes an image bit for bit as Pillow does it for 8-bit images (`Image.resize`): antialiased, first the width, then the height, rounded to uint8 after each;
 * 'nearest' takes the pixel under each centre. Browsers and sharp interpolate otherwise, which changes what a model sees.
 *
 * @throws when the image is not as large as it says, a size is not a positive integer, or the interpolation is another
 */
export const resizeImage = (
  image: RawImage,
  size: { readonly height: number; readonly width: number },
  interpolation: Interpolation,
): RawImage => resizePart(image, size, { top: 0, left: 0, ...size }, interpolation)

/** A rectangle of what {@link resizeImage} gives; computes nothing else. */
export const resizePart = (
  image: RawImage,
  size: { readonly height: number; readonly width: number },
  part: Part,
  interpolation: Interpolation,
): RawImage => {
  checkImage(image)
  for (const side of ['height', 'width'] as const) {
    if (!Number.isInteger(size[side]) || size[side] < 1)
      throw new Error(`resizeImage: the new ${side} must be a positive integer, got ${size[side]}`)
  }
  if (!interpolations.includes(interpolation))
    throw new Error(`resizeImage: the interpolation must be one of ${interpolations.join(', ')}, got ${interpolation}`)
  const { data, height, width, channels } = image
  const across = axisWeights(width, size.width, interpolation).slice(part.left, part.left + part.width)
  const down = axisWeights(height, size.height, interpolation).slice(part.top, part.top + part.height)
  // Of the rows only those that the second pass looks at.
  const top = Math.min(...down.map(({ first }) => first))
  const bottom = Math.max(...down.map(({ first, weights }) => first + weights.length))
  const rows = data.subarray(top * width * channels, bottom * width * channels)
  const isPicked = interpolation === 'nearest'
  const narrowed = (isPicked ? pickAlong : weighAcross)({ data: rows, before: bottom - top, length: width, after: channels }, across)
  const shifted = down.map(({ first, weights }) => ({ first: first - top, weights }))
  const resized = (isPicked ? pickAlong : weighDown)(
    { data: narrowed, before: 1, length: bottom - top, after: part.width * channels },
    shifted,
  )
  return { data: resized, height: part.height, width: part.width, channels }
}

/** An array [before, length, after], to be resized along the middle. */
interface Axis {
  readonly data: Uint8Array
  readonly before: number
  readonly length: number
  readonly after: number
}

/** What an output pixel is made of, in fixed point. */
interface FixedWeights {
  readonly first: number
  readonly weights: Int32Array
}

const axisWeights = (length: number, outputLength: number, interpolation: Interpolation): readonly FixedWeights[] =>
  interpolation === 'nearest' ? nearestPixels(length, outputLength) : resamplingWeights(length, outputLength, interpolation).map(fixedPoint)

/** Rounds to nearest, halves away from zero. */
const fixedPoint = ({ first, weights }: PixelWeights): FixedWeights => ({
  first,
  weights: Int32Array.from(weights, (weight) => Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5))),
})

const nearestPixels = (length: number, outputLength: number): readonly FixedWeights[] => {
  const scale = length / outputLength
  const weights = Int32Array.of(1)
  // Pillow adds the scale up instead of multiplying, which decides where a centre falls on a border.
  let centre = scale / 2 - scale
  return Array.from({ length: outputLength }, () => {
    centre += scale
    return { first: Math.min(Math.trunc(centre), length - 1), weights }
  })
}

/** [before, length, after] -> [before, pixels, after], with few values after: all channels of a pixel at once. */
const weighAcross = ({ data, before, length, after }: Axis, pixels: readonly FixedWeights[]): Uint8Array => {
  if (after !== 3) return weighDown({ data, before, length, after }, pixels)
  // Uint8ClampedArray clips what the kernel's negative lobes overshoot.
  const output = new Uint8ClampedArray(before * pixels.length * 3)
  const half = 2 ** (PRECISION_BITS - 1)
  // One array for the weights of all pixels, because looking each up costs as much as using it.
  const most = Math.max(...pixels.map(({ weights }) => weights.length))
  const all = new Int32Array(pixels.length * most)
  for (const [p, { weights }] of pixels.entries()) all.set(weights, p * most)
  const bounds = Int32Array.from(pixels.flatMap(({ first, weights }) => [first, weights.length]))
  for (let b = 0, o = 0; b < before; b++) {
    for (let p = 0; p < pixels.length; p++, o += 3) {
      let red = half
      let green = half
      let blue = half
      let i = (b * length + bounds[2 * p]!) * 3
      for (let w = p * most, end = w + bounds[2 * p + 1]!; w < end; w++, i += 3) {
        const weight = all[w]!
        red = (red + Math.imul(data[i]!, weight)) | 0
        green = (green + Math.imul(data[i + 1]!, weight)) | 0
        blue = (blue + Math.imul(data[i + 2]!, weight)) | 0
      }
      output[o] = red >> PRECISION_BITS
      output[o + 1] = green >> PRECISION_BITS
      output[o + 2] = blue >> PRECISION_BITS
    }
  }
  return new Uint8Array(output.buffer)
}

/** [before, length, after] -> [before, pixels, after] */
const weighDown = ({ data, before, length, after }: Axis, pixels: readonly FixedWeights[]): Uint8Array => {
  const output = new Uint8ClampedArray(before * pixels.length * after)
  const half = 2 ** (PRECISION_BITS - 1)
  for (let b = 0; b < before; b++) {
    for (const [p, { first, weights }] of pixels.entries()) {
      const start = (b * length + first) * after
      const o = (b * pixels.length + p) * after
      let a = 0
      // Four values at once, so that each weight is read once for four products.
      for (; a + 3 < after; a += 4) {
        let one = half
        let two = half
        let three = half
        let four = half
        for (let k = 0, i = start + a; k < weights.length; k++, i += after) {
          const weight = weights[k]!
          one = (one + Math.imul(data[i]!, weight)) | 0
          two = (two + Math.imul(data[i + 1]!, weight)) | 0
          three = (three + Math.imul(data[i + 2]!, weight)) | 0
          four = (four + Math.imul(data[i + 3]!, weight)) | 0
        }
        output[o + a] = one >> PRECISION_BITS
        output[o + a + 1] = two >> PRECISION_BITS
        output[o + a + 2] = three >> PRECISION_BITS
        output[o + a + 3] = four >> PRECISION_BITS
      }
      for (; a < after; a++) {
        let sum = half
        for (let k = 0, i = start + a; k < weights.length; k++, i += after) sum = (sum + Math.imul(data[i]!, weights[k]!)) | 0
        output[o + a] = sum >> PRECISION_BITS
      }
    }
  }
  return new Uint8Array(output.buffer)
}

/** [before, length, after] -> [before, pixels, after]: each pixel as it is. */
const pickAlong = ({ data, before, length, after }: Axis, pixels: readonly FixedWeights[]): Uint8Array => {
  const output = new Uint8Array(before * pixels.length * after)
  for (let b = 0; b < before; b++) {
    for (const [p, { first }] of pixels.entries()) {
      const start = (b * length + first) * after
      output.set(data.subarray(start, start + after), (b * pixels.length + p) * after)
    }
  }
  return output
}
