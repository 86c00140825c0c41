import { copyOf, type Matrix, type Matrix64, zeros } from '@learngene/stitch/linear-algebra'
import { EigenvalueDecomposition, Matrix as Rows, SingularValueDecomposition } from 'ml-matrix'

/** A = V diag(values) V^T of a symmetric matrix. */
export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array
  /** V [N, N]; column i belongs to value i. */
  readonly vectors: Matrix64
}

/** Eigenvalues and orthonormal eigenvectors of a symmetric matrix [N, N]. */
export function symmetricEigen(a: Matrix): SymmetricEigen {
  const n = a.rows
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(rowsOf(a), { assumeSymmetric: true })
  const order = Array.from(realEigenvalues.keys()).sort((i, j) => realEigenvalues[j]! - realEigenvalues[i]!)
  const vectors = zeros(n, n)
  for (let row = 0; row < n; row++) for (const [to, from] of order.entries()) vectors.data[row * n + to] = eigenvectorMatrix.get(row, from)
  return { values: Float64Array.from(order, (i) => realEigenvalues[i]!), vectors }
}

/** L [N, N] with L L^T = A for a symmetric A without negative eigenvalues; those that rounding makes negative count as 0. */
export function symmetricRoot(a: Matrix): Matrix64 {
  const { values, vectors } = symmetricEigen(a)
  const n = a.rows
  for (let row = 0; row < n; row++) for (let i = 0; i < n; i++) vectors.data[row * n + i]! *= Math.sqrt(Math.max(values[i]!, 0))
  return vectors
}

/** The singular value decomposition A = U diag(values) V^T of a small square matrix. */
export function singularValues(a: Matrix): { readonly u: Matrix64; readonly values: readonly number[]; readonly v: Matrix64 } {
  const { diagonal, leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(rowsOf(a))
  return { u: matrixOfRows(leftSingularVectors), values: diagonal, v: matrixOfRows(rightSingularVectors) }
}

function rowsOf(a: Matrix): Rows {
  const { data, rows, columns } = copyOf(a)
  return new Rows(Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns)))
}

function matrixOfRows(matrix: Rows): Matrix64 {
  const out = zeros(matrix.rows, matrix.columns)
  for (let row = 0, to = 0; row < matrix.rows; row++)
    for (let column = 0; column < matrix.columns; column++, to++) out.data[to] = matrix.get(row, column)
  return out
}
