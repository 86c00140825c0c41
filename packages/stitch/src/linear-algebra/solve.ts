import { addProduct, block, copyOf, type Matrix, type Matrix64, transpose, zeros } from './matrix.js'

/** Rows per step; what is left after a step is updated by one product. */
const panel = 48

/** A pivot under this share of its diagonal entry means that its column is, to working precision, a combination of others. */
const dependent = 1e-12

const ridgeWhenDependent = 1e-10

/**
 * Solves A Z = B for a symmetric positive definite A by Cholesky's A = R^T R in float64. Rows and columns are first scaled by powers of
 * two, without rounding, so that every diagonal entry lies in [0.5, 2]: columns may differ in units. Where A is singular to working precision (some
 * column keeps less than 1e-12 of its diagonal entry), 1e-10 of the diagonal is added to the diagonal, which gives nearly the solution of smallest
 * norm. About N^3 / 3 + 2 N^2 M operations.
 *
 * @param a [N, N], of which only the upper triangle is read
 * @param b [N, M]
 * @returns Z [N, M]; a and b stay as they are
 * @throws when the shapes do not fit, a number is not finite, or A has a negative eigenvalue
 */
export function solvePositiveDefinite(a: Matrix, b: Matrix): Matrix64 {
  const n = a.rows
  if (a.columns !== n || b.rows !== n) {
    throw new Error(`a positive definite system needs A [N, N] and B [N, M], got A [${n}, ${a.columns}] and B [${b.rows}, ${b.columns}]`)
  }
  const scales = equilibration(a)
  const factor = factorise(a, scales, 0) ?? factorise(a, scales, ridgeWhenDependent)
  if (!factor) throw new Error(`the matrix of a [${n}, ${n}] positive definite system has a negative eigenvalue; pass a Gram matrix`)
  const solution = copyOf(b)
  scaleRows(solution, scales)
  substituteForward(factor, solution)
  substituteBackward(factor, solution)
  scaleRows(solution, scales)
  if (!solution.data.every(Number.isFinite)) throw new Error('the right-hand sides must be finite numbers, got NaN or Infinity')
  return solution
}

function equilibration({ data, offset, rows, rowStride, columnStride }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    const entry = data[offset + i * (rowStride + columnStride)]!
    if (!(entry >= 0 && entry < Number.POSITIVE_INFINITY)) {
      throw new Error(`the diagonal of a positive definite matrix must be finite and not negative, got ${entry} at ${i}`)
    }
    return entry === 0 ? 1 : 2 ** -Math.round(Math.log2(entry) / 2)
  })
}

/** R of the scaled matrix with `ridge` of its diagonal added, or nothing where a pivot is too small. What is below the diagonal means nothing. */
function factorise(a: Matrix, scales: Float64Array, ridge: number): Matrix64 | undefined {
  const n = a.rows
  const factor = copyOf(a)
  const r = factor.data
  const least = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) r[i * n + j]! *= scales[i]! * scales[j]!
    // A column of zeros: any solution fits, and this makes it 0.
    if (r[i * n + i] === 0) r[i * n + i] = 1
    r[i * n + i]! *= 1 + ridge
    least[i] = r[i * n + i]! * dependent
  }
  for (let start = 0; start < n; start += panel) {
    const end = Math.min(start + panel, n)
    for (let i = start; i < end; i++) {
      const pivot = r[i * n + i]!
      if (!Number.isFinite(pivot)) throw new Error('a positive definite matrix must consist of finite numbers, got NaN or Infinity')
      if (pivot <= least[i]!) return undefined
      const root = Math.sqrt(pivot)
      for (let j = i; j < n; j++) r[i * n + j]! /= root
      for (let row = i + 1; row < end; row++) subtractRow(r, row * n, r[i * n + row]!, i * n, row, n)
    }
    const beside = block(factor, start, end, end - start, n - end)
    addProduct(block(factor, end, end, n - end, n - end), transpose(beside), beside, { scale: -1, upper: true })
  }
  return factor
}

/** Z := R^-T Z */
function substituteForward(factor: Matrix64, z: Matrix64): void {
  const { rows: n, data: r } = factor
  const m = z.columns
  for (let start = 0; start < n; start += panel) {
    const end = Math.min(start + panel, n)
    for (let i = start; i < end; i++) {
      for (let p = start; p < i; p++) subtractRow(z.data, i * m, r[p * n + i]!, p * m, 0, m)
      divideRow(z, i, r[i * n + i]!)
    }
    addProduct(
      block(z, end, 0, n - end, m),
      transpose(block(factor, start, end, end - start, n - end)),
      block(z, start, 0, end - start, m),
      {
        scale: -1,
      },
    )
  }
}

/** Z := R^-1 Z */
function substituteBackward(factor: Matrix64, z: Matrix64): void {
  const { rows: n, data: r } = factor
  const m = z.columns
  for (let start = Math.floor((n - 1) / panel) * panel; start >= 0; start -= panel) {
    const end = Math.min(start + panel, n)
    addProduct(block(z, start, 0, end - start, m), block(factor, start, end, end - start, n - end), block(z, end, 0, n - end, m), {
      scale: -1,
    })
    for (let i = end - 1; i >= start; i--) {
      for (let p = i + 1; p < end; p++) subtractRow(z.data, i * m, r[i * n + p]!, p * m, 0, m)
      divideRow(z, i, r[i * n + i]!)
    }
  }
}

/** Subtracts `times` the row that starts at `from` from the row that starts at `to`, from column `first` to column `end` - 1. */
function subtractRow(data: Float64Array, to: number, times: number, from: number, first: number, end: number): void {
  for (let j = first; j < end; j++) data[to + j]! -= times * data[from + j]!
}

function divideRow({ data, columns }: Matrix64, row: number, divisor: number): void {
  for (let j = row * columns; j < (row + 1) * columns; j++) data[j]! /= divisor
}

function scaleRows({ data, rows, columns }: Matrix64, scales: Float64Array): void {
  for (let i = 0; i < rows; i++) for (let j = i * columns; j < (i + 1) * columns; j++) data[j]! *= scales[i]!
}

/**
 * The default ridge of a pseudo-inverse, relative to the mean diagonal entry of the normal matrix: singular values under 1e-5 of
 * their root mean square count as 0. Trained float32 matrices say nothing below that.
 */
const pseudoInverseRidge = 1e-10

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
