import { type PixelWeights, resamplingWeights } from '@learngene/ops'

/** Patches per side, or from top to bottom and from left to right. */
type Grid = number | readonly [rows: number, columns: number]

/**
 * Position embeddings for another grid of patches, as timm resamples them: the leading tokens' rows stay, the others are resized as an image of D
 * channels by antialiased bicubic interpolation (a = -0.5, Keys 1981), pixel centres at half integers, weights renormalised at the edges.
 *
 * @param positions [leading + rows x columns, D], row by row
 * @param grid patches before and after
 * @param leading tokens before the patches: class token, distillation token, registers, as many as there are
 * @returns [leading + rows x columns, D]
 */
export function resamplePositions(
  positions: Float32Array,
  width: number,
  grid: { readonly from: Grid; readonly to: Grid },
  leading: number,
): Float32Array {
  const [fromRows, fromColumns] = typeof grid.from === 'number' ? [grid.from, grid.from] : grid.from
  const [toRows, toColumns] = typeof grid.to === 'number' ? [grid.to, grid.to] : grid.to
  const across = resamplingWeights(fromColumns, toColumns, 'bicubic')
  const down = resamplingWeights(fromRows, toRows, 'bicubic')
  const resampled = new Float32Array((leading + toRows * toColumns) * width)
  resampled.set(positions.subarray(0, leading * width))
  const source = positions.subarray(leading * width)
  const rows = new Float64Array(fromRows * toColumns * width) // [from rows, to columns, D]
  for (let y = 0; y < fromRows; y++) {
    for (let x = 0; x < toColumns; x++) accumulate(rows, (y * toColumns + x) * width, source, y * fromColumns * width, width, across[x]!)
  }
  const patches = new Float64Array(toRows * toColumns * width) // [to rows, to columns, D]
  for (let y = 0; y < toRows; y++) {
    for (let x = 0; x < toColumns; x++) {
      accumulate(patches, (y * toColumns + x) * width, rows, x * width, toColumns * width, down[y]!, width)
    }
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
