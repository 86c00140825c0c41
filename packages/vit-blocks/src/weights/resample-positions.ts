import { type PixelWeights, resamplingWeights } from '@learngene/ops'

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
  const taps = resamplingWeights(from, to, 'bicubic')
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
  { first, weights }: PixelWeights,
  length = stride,
): void {
  weights.forEach((weight, k) => {
    const begin = start + (first + k) * stride
    for (let c = 0; c < length; c++) target[at + c]! += weight * source[begin + c]!
  })
}
