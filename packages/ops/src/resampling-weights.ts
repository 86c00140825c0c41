/** For one output pixel: it is the sum of `weights[k]` x input pixel `first + k`. */
export interface PixelWeights {
  readonly first: number
  /** They sum to 1. */
  readonly weights: Float64Array
}

/** Pillow's antialiased filters: radius in pixels where nothing is made smaller, and the weight at a distance x. */
const filters = {
  bilinear: { radius: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { radius: 2, weight: keys },
  lanczos: { radius: 3, weight: (x: number) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const

export type ResamplingFilter = keyof typeof filters

/**
 * What each output pixel of one axis takes from which input pixels, pixel centres at half integers. Where the axis shrinks, the kernel is stretched by the
 * ratio, which is what antialiases; at the borders the part of it outside is dropped and the rest scaled up to sum 1. As Pillow resizes
 * (src/libImaging/Resample.c), and PyTorch with `antialias=True`.
 */
export function resamplingWeights(inputSize: number, outputSize: number, filter: ResamplingFilter): PixelWeights[] {
  const { radius, weight } = filters[filter]
  const scale = inputSize / outputSize
  const stretch = Math.max(scale, 1)
  const reach = radius * stretch
  return Array.from({ length: outputSize }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - reach + 0.5))
    const end = Math.min(inputSize, Math.trunc(centre + reach + 0.5))
    const exact = Float64Array.from({ length: end - first }, (_, k) => weight((k + first - centre + 0.5) * (1 / stretch)))
    const sum = exact.reduce((total, each) => total + each, 0)
    return { first, weights: exact.map((each) => each / sum) }
  })
}

/** The cubic convolution kernel with a = -1/2 (Keys 1981, doi 10.1109/TASSP.1981.1163711). */
function keys(x: number): number {
  const a = -0.5
  const t = Math.abs(x)
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a
  return 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}
