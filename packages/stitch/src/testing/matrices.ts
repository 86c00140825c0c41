import { copyOf, type Matrix, type Matrix64, matrixOf, zeros } from '../linear-algebra/matrix.js'
import { testRng } from './paths.js'

/** Uniform numbers in [-1, 1), with a spread of exact float32 values. */
export function uniformArray(length: number, seed: number): Float32Array {
  const rng = testRng(seed)
  return Float32Array.from({ length }, () => 2 * rng.uniform() - 1)
}

export function uniformMatrix(rows: number, columns: number, seed: number): Matrix<Float32Array> {
  return matrixOf(uniformArray(rows * columns, seed), rows, columns)
}

/** a b by the definition. */
export function naiveProduct(a: Matrix, b: Matrix): Matrix64 {
  const out = zeros(a.rows, b.columns)
  for (let r = 0; r < a.rows; r++) {
    for (let c = 0; c < b.columns; c++) {
      let sum = 0
      for (let k = 0; k < a.columns; k++) sum += at(a, r, k) * at(b, k, c)
      out.data[r * b.columns + c] = sum
    }
  }
  return out
}

export function at({ data, offset, rowStride, columnStride }: Matrix, row: number, column: number): number {
  return data[offset + row * rowStride + column * columnStride]!
}

/** ||a - b|| / ||b|| in the Frobenius norm. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN
  let error = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    error += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  return Math.sqrt(error / norm)
}

/** The same numbers in float64, row by row. */
export const numbersOf = (matrix: Matrix): Float64Array => copyOf(matrix).data

/** Features with 1 at the end of each row. */
export function withOnes(x: Matrix): Matrix64 {
  const out = zeros(x.rows, x.columns + 1)
  for (let r = 0; r < x.rows; r++) {
    for (let c = 0; c < x.columns; c++) out.data[r * out.columns + c] = at(x, r, c)
    out.data[(r + 1) * out.columns - 1] = 1
  }
  return out
}

/** min ||A W - B|| by Householder QR of the whole A [rows, n], rows >= n, of full rank. */
export function leastSquaresByQr(a: Matrix, b: Matrix): Matrix64 {
  const r = copyOf(a)
  const z = copyOf(b)
  const { rows, columns: n } = a
  const m = b.columns
  for (let k = 0; k < n; k++) {
    const reflector = new Float64Array(rows)
    for (let i = k; i < rows; i++) reflector[i] = r.data[i * n + k]!
    reflector[k]! += (reflector[k]! < 0 ? -1 : 1) * Math.hypot(...reflector)
    const squares = reflector.reduce((sum, v) => sum + v * v, 0)
    for (const [target, width, first] of [
      [r.data, n, k],
      [z.data, m, 0],
    ] as const) {
      for (let j = first; j < width; j++) {
        let dot = 0
        for (let i = k; i < rows; i++) dot += reflector[i]! * target[i * width + j]!
        for (let i = k; i < rows; i++) target[i * width + j]! -= ((2 * dot) / squares) * reflector[i]!
      }
    }
  }
  const w = zeros(n, m)
  for (let j = 0; j < m; j++) {
    for (let i = n - 1; i >= 0; i--) {
      let sum = z.data[i * m + j]!
      for (let k = i + 1; k < n; k++) sum -= r.data[i * n + k]! * w.data[k * m + j]!
      w.data[i * m + j] = sum / r.data[i * n + i]!
    }
  }
  return w
}

/** A [rows, n] matrix with singular values from 1 down to 1 / condition, evenly spread in their logarithms, up to a common factor. */
export function conditioned(rows: number, n: number, condition: number, seed: number): Matrix<Float32Array> {
  const left = orthonormal(uniformMatrix(rows, n, seed))
  const right = orthonormal(uniformMatrix(n, n, seed + 1))
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < n; c++) left.data[r * n + c]! *= condition ** (-c / Math.max(n - 1, 1)) * Math.sqrt(rows)
  return matrixOf(Float32Array.from(naiveProduct(left, right).data), rows, n)
}

/** Gram-Schmidt, twice over. */
function orthonormal(a: Matrix): Matrix64 {
  const { data, rows, columns } = copyOf(a)
  for (let c = 0; c < columns; c++) {
    for (const pass of [0, 1]) {
      for (let p = 0; p < c; p++) {
        let dot = 0
        for (let r = 0; r < rows; r++) dot += data[r * columns + p]! * data[r * columns + c]!
        for (let r = 0; r < rows; r++) data[r * columns + c]! -= dot * data[r * columns + p]!
      }
      let squares = 0
      for (let r = 0; r < rows; r++) squares += data[r * columns + c]! ** 2
      for (let r = 0; r < rows && pass < 2; r++) data[r * columns + c]! /= Math.sqrt(squares)
    }
  }
  return matrixOf(data, rows, columns)
}
