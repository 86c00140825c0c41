/** What of the source pixels contributes to one target pixel. */
interface Taps {
  readonly first: number
  readonly weights: readonly number[]
}

/**
 * Position embeddings for another grid of patches, as timm resamples them: the leading tokens' rows stay, the others are resized as an image of D
 * channels by antialiased bicubic interpolation (a = -0.5, Keys 1981), pixel centres at half integers, weights renormalised at the edges.
 *
 * @param positions [leading + from x from, D], row by row
 * @param grid patches per side, before and after
 * @param leading class token, and distillation token where there is one
 * @returns [leading + to x to, D]
 */
export function resamplePositions(
  positions: Float32Array,
  width: number,
  grid: { readonly from: number; readonly to: number },
  leading: number,
): Float32Array {
  const { from, to } = grid
  const taps = tapsOf(from, to)
  const resampled = new Float32Array((leading + to * to) * width)
  resampled.set(positions.subarray(0, leading * width))
  const source = positions.subarray(leading * width)
  const rows = new Float64Array(from * to * width) // [from, to, D]
  for (let y = 0; y < from; y++) {
    for (let x = 0; x < to; x++) accumulate(rows, (y * to + x) * width, source, y * from * width, width, taps[x]!)
  }
  const patches = new Float64Array(to * to * width) // [to, to, D]
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) accumulate(patches, (y * to + x) * width, rows, x * width, to * width, taps[y]!, width)
  }
  resampled.set(patches, leading * width)
  return resampled
}

/** Adds weighted pixels of `length` channels, `stride` apart from `start` on, into the target. */
function accumulate(
  target: Float64Array,
  at: number,
  source: Float32Array | Float64Array,
  start: number,
  stride: number,
  { first, weights }: Taps,
  length = stride,
): void {
  weights.forEach((weight, k) => {
    const begin = start + (first + k) * stride
    for (let c = 0; c < length; c++) target[at + c]! += weight * source[begin + c]!
  })
}

/** When shrinking, the kernel is stretched by the scale, so that it averages instead of skipping. */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5)
    const first = Math.max(Math.floor(centre - 2 * stretch + 0.5), 0)
    const end = Math.min(Math.floor(centre + 2 * stretch + 0.5), from)
    const raw = Array.from({ length: end - first }, (_, k) => keys((first + k - centre + 0.5) / stretch))
    const sum = raw.reduce((a, b) => a + b)
    return { first, weights: raw.map((weight) => weight / sum) }
  })
}

/** The cubic convolution kernel of a = -0.5. */
function keys(x: number): number {
  const a = -0.5
  const t = Math.abs(x)
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
  return t < 2 ? a * (((t - 5) * t + 8) * t - 4) : 0
}
