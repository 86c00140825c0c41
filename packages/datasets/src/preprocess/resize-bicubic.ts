import { bicubicWeights, PRECISION_BITS } from './bicubic-weights.js'
import { checkImage, type RawImage } from './raw-image.js'

/**
 * Resizes an image with antialiased bicubic interpolation, bit for bit as Pillow does it for 8-bit images: first the width, then the height,
 * rounded to uint8 after each. Browsers and sharp interpolate otherwise, which changes what a model sees.
 *
 * @throws when the image is not as large as it says or a size is not a positive integer
 */
export const resizeBicubic = (image: RawImage, size: { readonly height: number; readonly width: number }): RawImage => {
  checkImage(image)
  for (const side of ['height', 'width'] as const) {
    if (!Number.isInteger(size[side]) || size[side] < 1)
      throw new Error(`resizeBicubic: the new ${side} must be a positive integer, got ${size[side]}`)
  }
  const { data, height, width, channels } = image
  const narrowed = resampleAxis(data, { before: height, length: width, after: channels }, size.width)
  const resized = resampleAxis(narrowed, { before: 1, length: height, after: size.width * channels }, size.height)
  return { data: resized, height: size.height, width: size.width, channels }
}

/** An array seen as [before, length, after], to be resampled along the middle. */
interface Axis {
  readonly before: number
  readonly length: number
  readonly after: number
}

/** [before, length, after] -> [before, outputLength, after] */
const resampleAxis = (input: Uint8Array, { before, length, after }: Axis, outputLength: number): Uint8Array => {
  const pixels = bicubicWeights(length, outputLength)
  // Uint8ClampedArray clips what the kernel's negative lobes overshoot.
  const output = new Uint8ClampedArray(before * outputLength * after)
  const sums = new Int32Array(after)
  for (let b = 0; b < before; b++) {
    for (const [p, { first, weights }] of pixels.entries()) {
      sums.fill(2 ** (PRECISION_BITS - 1))
      let i = (b * length + first) * after
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k]!
        for (let a = 0; a < after; a++) sums[a]! += input[i++]! * weight
      }
      const o = (b * outputLength + p) * after
      for (let a = 0; a < after; a++) output[o + a] = sums[a]! >> PRECISION_BITS
    }
  }
  return new Uint8Array(output.buffer)
}
