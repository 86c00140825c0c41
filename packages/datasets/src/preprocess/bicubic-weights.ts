/** Bits after the point of the weights: 32 less 8 for the pixel and 2 for sums beyond 255, so that sums fit into 32 bits. */
export const PRECISION_BITS = 32 - 8 - 2

/** Radius of the kernel in pixels, where nothing is made smaller. */
const RADIUS = 2

/** For one output pixel: it is the sum of `weights[k]` x input pixel `first + k`. */
export interface PixelWeights {
  readonly first: number
  /** Fixed point with {@link PRECISION_BITS} bits after the point. */
  readonly weights: Int32Array
}

/**
 * What each output pixel of one axis takes from which input pixels. Where the axis shrinks, the kernel is stretched by the ratio, which is what
 * antialiases; at the borders the part of it outside is dropped and the rest scaled up to sum 1. As Pillow resizes 8-bit images
 * (`Image.resize(..., Image.Resampling.BICUBIC)`, src/libImaging/Resample.c), including its rounding.
 */
export const bicubicWeights = (inputSize: number, outputSize: number): PixelWeights[] => {
  const scale = inputSize / outputSize
  const stretch = Math.max(scale, 1)
  const radius = RADIUS * stretch
  return Array.from({ length: outputSize }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - radius + 0.5))
    const end = Math.min(inputSize, Math.trunc(centre + radius + 0.5))
    const exact = Float64Array.from({ length: end - first }, (_, k) => kernel((k + first - centre + 0.5) * (1 / stretch)))
    const sum = exact.reduce((total, weight) => total + weight, 0)
    return { first, weights: Int32Array.from(exact, (weight) => toFixedPoint(weight / sum)) }
  })
}

/** The cubic convolution kernel with a = -1/2 (Keys 1981, doi 10.1109/TASSP.1981.1163711). */
const kernel = (x: number): number => {
  const a = -0.5
  const t = Math.abs(x)
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a
  return 0
}

/** Rounds to nearest, halves away from zero. */
const toFixedPoint = (weight: number): number => Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5))
