import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import { createRng } from '@learngene/training'

/** A matrix of standard normal values. */
export function random(rows: number, columns: number, seed: number): Matrix64 {
  const rng = createRng(seed)
  return matrixOf(Float64Array.from({ length: rows * columns }, () => rng.normal()), rows, columns) // biome-ignore format: one value
}
