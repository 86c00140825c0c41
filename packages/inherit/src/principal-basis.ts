import { type Matrix64, product, transpose, zeros } from '@learngene/stitch/linear-algebra'
import { symmetricEigen } from './decompositions.js'

/**
 * The residual stream in principal order (SliceGPT's rotation, arXiv 2401.15024, for layer norms that remove the mean). Only what a layer norm sees of a
 * token counts: its part of zero mean. Q [D, D-1] are the principal directions of that part, leading first, and Helmert's U [D, D-1] is an orthonormal basis
 * of the zero-mean vectors whose leading rows are, up to a constant that the next layer norm removes, Helmert's basis of every smaller width.
 */
export interface PrincipalBasis {
  /** D */
  readonly width: number
  /** Q [D, D-1], orthonormal columns of zero mean. */
  readonly directions: Matrix64
  /** E = U Q^T [D, D]: takes the stream x of zero mean to principal order; E^T takes it back. Removes the mean of others. */
  readonly rotation: Matrix64
}

/** @param moments sum of c c^T over tokens c of zero mean [D, D], symmetric */
export function principalBasis(moments: Matrix64): PrincipalBasis {
  const width = moments.rows
  const { data } = moments
  // Rounding gives the direction of the mean some energy. It is taken out, and that direction put far below all others, so that none mixes with it, used or not.
  const means = Float64Array.from(
    { length: width },
    (_, row) => data.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0) / width,
  )
  const mean = means.reduce((a, b) => a + b, 0) / width
  let trace = 0
  for (let i = 0; i < width; i++) trace += data[i * width + i]!
  const below = (trace || 1) / width
  const apart = zeros(width, width)
  for (let row = 0, i = 0; row < width; row++) {
    for (let column = 0; column < width; column++, i++) apart.data[i] = data[i]! - means[row]! - means[column]! + mean - below
  }
  const { vectors } = symmetricEigen(apart)
  const directions = zeros(width, width - 1)
  for (let row = 0; row < width; row++) {
    for (let i = 0; i < width - 1; i++) directions.data[row * (width - 1) + i] = vectors.data[row * width + i]!
  }
  return { width, directions, rotation: product(helmert(width), transpose(directions)) }
}

/**
 * E_s [D_s, D] and R_s = E_s^T: what a tier of width D_s holds of the stream, and back. Between two tiers of one basis the map is E_t R_s.
 *
 * @param width D_s, at most D
 */
export function embeddingOf({ directions, width: full }: PrincipalBasis, width: number): Matrix64 {
  const leading = { ...directions, columns: width - 1 }
  if (width > full) throw new Error(`a tier is at most as wide as its ancestor, ${full}; got ${width}`)
  return product(helmert(width), transpose(leading))
}

/** Helmert's orthonormal basis of the vectors of zero mean [N, N-1]: column j - 1 is (1, ..., 1, -j, 0, ...) / sqrt(j (j + 1)). */
export function helmert(n: number): Matrix64 {
  const basis = zeros(n, n - 1)
  for (let j = 1; j < n; j++) {
    const unit = 1 / Math.sqrt(j * (j + 1))
    for (let i = 0; i < j; i++) basis.data[i * (n - 1) + j - 1] = unit
    basis.data[j * (n - 1) + j - 1] = -j * unit
  }
  return basis
}
