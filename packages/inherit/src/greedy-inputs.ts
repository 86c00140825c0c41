import { block, meanDiagonal, zeros } from '@learngene/stitch/linear-algebra'
import type { Normal } from './regression.js'

/** Relative, of sums of products in float32. */
const rounding = 1e-7

/**
 * Inputs chosen one after the other, each the one that explains most of what the chosen ones leave of Y (orthogonal matching, by a pivoted Cholesky
 * factorisation of the centred Gram matrix).
 *
 * @param lambda relative ridge of the regression that follows
 */
export function greedyInputs({ xx, xy }: Normal, count: number, lambda: number): number[] {
  const n = xx.rows
  const inputs = n - 1
  const outputs = xy.columns
  const rows = xx.data[n * n - 1]!
  const gram = zeros(inputs, inputs)
  const left = zeros(inputs, outputs)
  for (let i = 0; i < inputs; i++) {
    const mean = xx.data[i * n + inputs]! / rows
    for (let j = 0; j < inputs; j++) gram.data[i * inputs + j] = xx.data[i * n + j]! - mean * xx.data[j * n + inputs]!
    for (let j = 0; j < outputs; j++) left.data[i * outputs + j] = xy.data[i * outputs + j]! - mean * xy.data[inputs * outputs + j]!
  }
  // Inputs that hardly change, up to rounding of the products, explain nothing; any order of them will do.
  const ridge = lambda * Math.max(meanDiagonal(gram), rounding * meanDiagonal(block(xx, 0, 0, inputs, inputs))) || lambda
  const unexplained = Float64Array.from({ length: inputs }, (_, i) => gram.data[i * inputs + i]! + ridge)
  const squares = Float64Array.from({ length: inputs }, (_, i) => squaresOf(left.data, i * outputs, outputs))
  const factor: Float64Array[] = []
  const chosen: number[] = []
  const open = Array.from({ length: inputs }, (_, i) => i)
  while (chosen.length < count) {
    let place = -1
    let most = -1
    for (let o = 0; o < open.length; o++) {
      const explained = squares[open[o]!]! / Math.max(unexplained[open[o]!]!, ridge)
      if (explained > most) [place, most] = [o, explained]
    }
    if (place < 0) throw new Error('the activations must be finite numbers; got NaN or Infinity')
    const [best] = open.splice(place, 1) as [number]
    chosen.push(best)
    const column = gram.data.slice(best * inputs, (best + 1) * inputs)
    subtractAll(column, factor, best)
    const root = Math.sqrt(Math.max(unexplained[best]!, ridge)) || 1
    for (let i = 0; i < inputs; i++) column[i]! /= root
    const explained = left.data.slice(best * outputs, (best + 1) * outputs).map((value) => value / root)
    for (const i of open) {
      const share = column[i]!
      unexplained[i]! -= share * share
      subtract(left.data, i * outputs, share, explained)
      squares[i] = squaresOf(left.data, i * outputs, outputs)
    }
    factor.push(column)
  }
  return chosen
}

/** values[start ...] -= factor * row */
function subtract(values: Float64Array, start: number, factor: number, row: Float64Array): void {
  for (let j = 0; j < row.length; j++) values[start + j]! -= factor * row[j]!
}

/** column -= row[at] * row for each of the rows, four at a time: so the column is read and written a fourth as often. */
function subtractAll(column: Float64Array, rows: readonly Float64Array[], at: number): void {
  let first = 0
  for (; first + 3 < rows.length; first += 4) {
    const [a, b, c, d] = [rows[first]!, rows[first + 1]!, rows[first + 2]!, rows[first + 3]!]
    const [ofA, ofB, ofC, ofD] = [a[at]!, b[at]!, c[at]!, d[at]!]
    for (let i = 0; i < column.length; i++) column[i] = column[i]! - ofA * a[i]! - ofB * b[i]! - ofC * c[i]! - ofD * d[i]!
  }
  for (; first < rows.length; first++) subtract(column, 0, rows[first]![at]!, rows[first]!)
}

/** In four sums, since each addition waits for the one before it. */
function squaresOf(values: Float64Array, start: number, count: number): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  const end = start + count
  let j = start
  for (; j + 3 < end; j += 4) {
    a += values[j]! * values[j]!
    b += values[j + 1]! * values[j + 1]!
    c += values[j + 2]! * values[j + 2]!
    d += values[j + 3]! * values[j + 3]!
  }
  for (; j < end; j++) a += values[j]! * values[j]!
  return a + b + c + d
}
