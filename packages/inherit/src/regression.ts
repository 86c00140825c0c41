import { batchProduct } from '@learngene/ops'
import {
  addProduct,
  addToDiagonal,
  block,
  copyOf,
  type Matrix,
  type Matrix64,
  meanDiagonal,
  solvePositiveDefinite,
  symmetric,
  transpose,
  zeros,
} from '@learngene/stitch/linear-algebra'
import { concat, ones, reshape, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { createMoments } from './values.js'

/** The normal equations of a regression of Y on [X, 1]: products in float32 on the device batch by batch, their sums in float64. */
export interface Normal {
  /** [X, 1]^T [X, 1], [n + 1, n + 1] */
  readonly xx: Matrix64
  /** [X, 1]^T Y, [n + 1, m] */
  readonly xy: Matrix64
}

/** An affine map in the columns of a regression [n + 1, m]: y = x W + c with c in the last row. */
export type AffineColumns = Matrix64

/**
 * @param xs [B, N, n] by batch
 * @param ys [B, N, m] by batch
 */
export async function normalEquations(xs: readonly Tensor3D[], ys: readonly Tensor3D[]): Promise<Normal> {
  const moments = createMoments()
  for (const [i, x] of xs.entries()) {
    const sums = tidy(() => {
      const tokens = x.shape[0] * x.shape[1]
      const inputs = concat([reshape(x, [1, tokens, -1]), ones([1, tokens, 1])], 2) as Tensor3D // [1, B N, n + 1]
      const outputs = reshape(ys[i]!, [1, tokens, -1]) as Tensor3D // [1, B N, m]
      return { xx: batchProduct(inputs, inputs, true), xy: batchProduct(inputs, outputs, true) }
    })
    await moments.add(sums)
  }
  const n = xs[0]!.shape[2] + 1
  return { xx: moments.matrix('xx', n, n), xy: moments.matrix('xy', n, ys[0]!.shape[2]) }
}

/** Of a constant: its share of the ridge, which keeps the system definite and does not hold it back. */
const ridgeOfConstant = 1e-6

/**
 * min ||[X, 1] W - Y||^2 + lambda ||W - W0||^2, solved for the difference to the prior in float64. Where X is 0 throughout, the prior stays.
 *
 * @param prior W0 [n + 1, m]
 * @param lambda relative to the mean square of a column of X
 */
export function regressToward({ xx, xy }: Normal, prior: AffineColumns, lambda: number): AffineColumns {
  const n = xx.rows - 1
  const unexplained = copyOf(xy)
  addProduct(unexplained, symmetric(xx), prior, { scale: -1 })
  const penalised = copyOf(xx)
  const inputs = block(penalised, 0, 0, n, n)
  addToDiagonal(inputs, lambda * (meanDiagonal(inputs) || 1))
  penalised.data[penalised.data.length - 1]! *= 1 + ridgeOfConstant
  const difference = solvePositiveDefinite(penalised, unexplained)
  for (let i = 0; i < difference.data.length; i++) difference.data[i]! += prior.data[i]!
  return difference
}

/**
 * The least-squares reconstruction [D_s + 1, D] of what the ancestor's layer norm gives from what the cut's gives, pulled toward appending zeros and multiplying with the
 * best gain.
 *
 * @param from the cut's normalised tokens [B, N, D_s] by batch
 * @param to the ancestor's [B, N, D]
 */
export async function reconstruction(from: readonly Tensor3D[], to: readonly Tensor3D[], lambda: number): Promise<AffineColumns> {
  const equations = await normalEquations(from, to)
  const { xx, xy } = equations
  const width = xx.rows - 1
  let shared = 0
  let own = 0
  for (let i = 0; i < width; i++) {
    shared += xy.data[i * xy.columns + i]!
    own += xx.data[i * (width + 1) + i]!
  }
  const prior = zeros(width + 1, xy.columns)
  for (let i = 0; i < width; i++) prior.data[i * xy.columns + i] = own > 0 ? shared / own : 0
  return regressToward(equations, prior, lambda)
}

/** W^T [m, n] of [n + 1, m] columns, and c [m]. */
export function affineParts(columns: AffineColumns): { readonly weight: Matrix64; readonly bias: Float64Array } {
  const n = columns.rows - 1
  return {
    weight: copyOf(transpose(block(columns, 0, 0, n, columns.columns))),
    bias: copyOf(block(columns, n, 0, 1, columns.columns)).data,
  }
}

/** [n + 1, m] columns of a map y = W x + c, W [m, n]. */
export function affineColumns(weight: Matrix, bias: ArrayLike<number>): AffineColumns {
  const columns = zeros(weight.columns + 1, weight.rows)
  columns.data.set(copyOf(transpose(weight)).data)
  columns.data.set(bias, weight.columns * weight.rows)
  return columns
}

/** The equations of some of the inputs only, in the given order. */
export function ofInputs({ xx, xy }: Normal, inputs: readonly number[]): Normal {
  const taken = [...inputs, xx.rows - 1]
  const pick = (from: Matrix64, columns: readonly number[]) => {
    const picked = zeros(taken.length, columns.length)
    let to = 0
    for (const row of taken) for (const column of columns) picked.data[to++] = from.data[row * from.columns + column]!
    return picked
  }
  return {
    xx: pick(xx, taken),
    xy: pick(
      xy,
      Array.from({ length: xy.columns }, (_, i) => i),
    ),
  }
}

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
