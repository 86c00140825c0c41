import type { Interpolation, RawImage } from '@learngene/interfaces'
import { type PixelWeights, type ResamplingFilter, resamplingWeights } from '@learngene/ops'
import { checkImage } from './raw-image.js'

/** The names of `Interpolation`, as Pillow's `Image.Resampling` has them. */
export const interpolations: readonly Interpolation[] = ['nearest', 'bilinear', 'bicubic', 'lanczos']

/** Bits after the point of the weights: 32 less 8 for the pixel and 2 for sums beyond 255, so that sums fit into 32 bits. */
const PRECISION_BITS = 32 - 8 - 2

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
): RawImage => {
  checkImage(image)
  for (const side of ['height', 'width'] as const) {
    if (!Number.isInteger(size[side]) || size[side] < 1)
      throw new Error(`resizeImage: the new ${side} must be a positive integer, got ${size[side]}`)
  }
  if (!interpolations.includes(interpolation))
    throw new Error(`resizeImage: the interpolation must be one of ${interpolations.join(', ')}, got ${interpolation}`)
  const { data, height, width, channels } = image
  const along = interpolation === 'nearest' ? pickAlong : (axis: Axis, length: number) => resampleAlong(axis, length, interpolation)
  const narrowed = along({ data, before: height, length: width, after: channels }, size.width)
  const resized = along({ data: narrowed, before: 1, length: height, after: size.width * channels }, size.height)
  return { data: resized, height: size.height, width: size.width, channels }
}

/** An array [before, length, after], to be resized along the middle. */
interface Axis {
  readonly data: Uint8Array
  readonly before: number
  readonly length: number
  readonly after: number
}

/** [before, length, after] -> [before, outputLength, after] */
const resampleAlong = ({ data, before, length, after }: Axis, outputLength: number, filter: ResamplingFilter): Uint8Array => {
  const pixels = resamplingWeights(length, outputLength, filter).map(fixedPoint)
  // Uint8ClampedArray clips what the kernel's negative lobes overshoot.
  const output = new Uint8ClampedArray(before * outputLength * after)
  const sums = new Int32Array(after)
  for (let b = 0; b < before; b++) {
    for (const [p, { first, weights }] of pixels.entries()) {
      sums.fill(2 ** (PRECISION_BITS - 1))
      let i = (b * length + first) * after
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k]!
        for (let a = 0; a < after; a++) sums[a]! += data[i++]! * weight
      }
      const o = (b * outputLength + p) * after
      for (let a = 0; a < after; a++) output[o + a] = sums[a]! >> PRECISION_BITS
    }
  }
  return new Uint8Array(output.buffer)
}

/** Rounds to nearest, halves away from zero. */
const fixedPoint = ({ first, weights }: PixelWeights) => ({
  first,
  weights: Int32Array.from(weights, (weight) => Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5))),
})

/** [before, length, after] -> [before, outputLength, after]: each pixel as it is. */
const pickAlong = ({ data, before, length, after }: Axis, outputLength: number): Uint8Array => {
  const scale = length / outputLength
  const output = new Uint8Array(before * outputLength * after)
  // Pillow adds the scale up instead of multiplying, which decides where a centre falls on a border.
  for (let p = 0, centre = scale / 2; p < outputLength; p++, centre += scale) {
    const from = Math.min(Math.trunc(centre), length - 1)
    for (let b = 0; b < before; b++) {
      const start = (b * length + from) * after
      output.set(data.subarray(start, start + after), (b * outputLength + p) * after)
    }
  }
  return output
}
