import { addProduct } from './add-product.js'
import { type Matrix, type Matrix64, transpose, zeros } from './matrix.js'
import { solvePositiveDefinite } from './solve-positive-definite.js'

/**
 * The default ridge of a pseudo-inverse, relative to the mean diagonal entry of the normal matrix: singular values under 1e-5 of
 * their root mean square count as 0. Trained float32 matrices say nothing below that.
 */
export const pseudoInverseRidge = 1e-10

/**
 * (A^T A + lambda I)^-1 A^T, for A [M, N] of M >= N: applied to A it gives nearly the identity.
 *
 * @param ridge lambda relative to trace(A^T A) / N
 * @returns [N, M]
 */
export function leftPseudoInverse(a: Matrix, ridge = pseudoInverseRidge): Matrix64 {
  return solvePositiveDefinite(regularisedNormal(transpose(a), ridge), transpose(a))
}

/**
 * A^T (A A^T + lambda I)^-1, for A [M, N] of M <= N: A applied to it gives nearly the identity.
 *
 * @param ridge lambda relative to trace(A A^T) / M
 * @returns [N, M]
 */
export function rightPseudoInverse(a: Matrix, ridge = pseudoInverseRidge): Matrix64 {
  return transpose(solvePositiveDefinite(regularisedNormal(a, ridge), a))
}

/** The regularised inverse with the smaller normal matrix: the left one of a tall matrix, the right one of a wide matrix. */
export function pseudoInverse(a: Matrix, ridge = pseudoInverseRidge): Matrix64 {
  return a.rows >= a.columns ? leftPseudoInverse(a, ridge) : rightPseudoInverse(a, ridge)
}

/** A A^T with `ridge` of its mean diagonal entry added to the diagonal; the upper triangle. */
function regularisedNormal(a: Matrix, ridge: number): Matrix64 {
  const normal = zeros(a.rows, a.rows)
  addProduct(normal, a, transpose(a), { upper: true })
  addToDiagonal(normal, ridge * meanDiagonal(normal))
  return normal
}

/** trace(A) / N */
export function meanDiagonal({ data, offset, rows, rowStride, columnStride }: Matrix): number {
  let trace = 0
  for (let i = 0; i < rows; i++) trace += data[offset + i * (rowStride + columnStride)]!
  return trace / rows
}

export function addToDiagonal({ data, offset, rows, rowStride, columnStride }: Matrix64, value: number): void {
  for (let i = 0; i < rows; i++) data[offset + i * (rowStride + columnStride)]! += value
}
