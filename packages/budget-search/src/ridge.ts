import { describe } from './arguments.js'

/** Predicts a target from a feature vector. */
export type Predictor = (features: readonly number[]) => number

/** Solves A x = b for symmetric positive definite A [p, p], row by row, by Cholesky; overwrites A. */
const solveSymmetric = (a: Float64Array, b: Float64Array): Float64Array => {
  const p = b.length
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * p + j]!
      for (let k = 0; k < j; k++) sum -= a[i * p + k]! * a[j * p + k]!
      a[i * p + j] = i === j ? Math.sqrt(sum) : sum / a[j * p + j]!
    }
  }
  const x = Float64Array.from(b)
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) x[i]! -= a[i * p + k]! * x[k]!
    x[i]! /= a[i * p + i]!
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) x[i]! -= a[k * p + i]! * x[k]!
    x[i]! /= a[i * p + i]!
  }
  return x
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const checkRow = (row: readonly number[], width: number): void => {
  if (typeof row?.every !== 'function') throw new Error(`a feature vector must be a list of numbers: got ${describe(row)}`)
  if (row.length === width && row.every(Number.isFinite)) return
  throw new Error(`feature vectors must be finite and of equal length: expected ${width} numbers, got [${row.join(', ')}]`)
}

/**
 * Ridge regression of the targets on the rows of features: w = (Z^T Z + lambda n I)^-1 Z^T (y - mean y), with Z the features standardised
 * to mean 0 and standard deviation 1 (a constant feature counts as 0), n the number of rows. Returns x -> mean y + z(x) w.
 *
 * Throws where there is no row, lambda is not positive, the numbers of rows and targets differ, or a vector has another length than the
 * first or is not finite.
 */
export const fitRidge = (rows: readonly (readonly number[])[], targets: readonly number[], lambda: number): Predictor => {
  if (!Array.isArray(rows) || !Array.isArray(targets))
    throw new Error(`rows and targets must be lists: got ${describe(rows)} and ${describe(targets)}`)
  const n = rows.length
  if (n === 0 || n !== targets.length)
    throw new Error(`ridge regression needs one target for each row: got ${n} rows, ${targets.length} targets`)
  if (!(lambda > 0)) throw new Error(`lambda must be positive: got ${lambda}`)
  const p = rows[0]!.length
  for (const row of rows) checkRow(row, p)
  const centres = Array.from({ length: p }, (_, j) => mean(rows.map((row) => row[j]!)))
  const spreads = centres.map((centre, j) => Math.sqrt(mean(rows.map((row) => (row[j]! - centre) ** 2))))
  // Rounding leaves a constant feature with a spread of about 1e-16 of its size: that is no information.
  const standardise = (row: readonly number[]): number[] =>
    row.map((value, j) => (spreads[j]! > 1e-12 * Math.abs(centres[j]!) ? (value - centres[j]!) / spreads[j]! : 0))

  const offset = mean(targets)
  const gram = new Float64Array(p * p)
  const moment = new Float64Array(p)
  rows.map(standardise).forEach((z, row) => {
    for (let i = 0; i < p; i++) {
      moment[i]! += z[i]! * (targets[row]! - offset)
      for (let j = 0; j < p; j++) gram[i * p + j]! += z[i]! * z[j]!
    }
  })
  for (let i = 0; i < p; i++) gram[i * p + i]! += lambda * n
  const weights = solveSymmetric(gram, moment)

  return (features) => {
    checkRow(features, p)
    return standardise(features).reduce((sum, value, i) => sum + value * weights[i]!, offset)
  }
}
