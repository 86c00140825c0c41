import type { AffineMap } from '@learngene/vit-blocks'
import { addProduct, block, type Matrix, type Matrix64, matrixOf, product, symmetric, transpose, zeros } from './matrix.js'

/** X^T X of streamed features, X = [features, 1]. */
export interface InputGram {
  readonly inputs: number
  /** Rows seen. */
  count: number
  /** X^T X [inputs + 1, inputs + 1], of which only the upper triangle is kept. */
  readonly xtx: Matrix64
}

/** X^T Y and trace(Y^T Y) of streamed features, X = [features, 1]. */
export interface CrossGram {
  readonly inputs: number
  readonly outputs: number
  /** Rows seen. */
  count: number
  /** X^T Y [inputs + 1, outputs] */
  readonly xty: Matrix64
  /** trace(Y^T Y) */
  squares: number
}

/**
 * The normal equations of the regression of features Y on X = [features, 1], streamed in float64: their memory, 8 (inputs + 1) (inputs + 1 +
 * outputs) bytes, does not depend on the number of rows.
 */
export interface Gram {
  readonly input: InputGram
  readonly cross: CrossGram
}

export function createInputGram(inputs: number): InputGram {
  return { inputs, count: 0, xtx: zeros(inputs + 1, inputs + 1) }
}

export function createCrossGram(inputs: number, outputs: number): CrossGram {
  return { inputs, outputs, count: 0, xty: zeros(inputs + 1, outputs), squares: 0 }
}

export function createGram(inputs: number, outputs: number): Gram {
  return { input: createInputGram(inputs), cross: createCrossGram(inputs, outputs) }
}

/**
 * Adds rows of features to X^T X. Front blocks that several stitches start from need this once per block, not per stitch.
 *
 * @param x [rows, inputs], row by row
 * @throws when x does not consist of whole rows
 */
export function accumulateInputs(gram: InputGram, x: Float32Array): void {
  const { inputs, xtx } = gram
  const rows = rowsOf('x', x, inputs)
  const features = matrixOf(x, rows, inputs)
  addProduct(block(xtx, 0, 0, inputs, inputs), transpose(features), features, { upper: true })
  addColumnSums(block(transpose(xtx), inputs, 0, 1, inputs), x)
  xtx.data[xtx.data.length - 1]! += rows
  gram.count += rows
}

/**
 * Adds rows of features to X^T Y and trace(Y^T Y).
 *
 * @param x [rows, inputs], row by row
 * @param y [rows, outputs], row by row
 * @throws when x and y do not consist of the same number of whole rows
 */
export function accumulateCross(gram: CrossGram, x: Float32Array, y: Float32Array): void {
  const { inputs, outputs, xty } = gram
  const rows = rowsOf('x', x, inputs)
  const targetRows = rowsOf('y', y, outputs)
  if (rows !== targetRows)
    throw new Error(`x and y must have equally many rows, got ${rows} of width ${inputs} and ${targetRows} of width ${outputs}`)
  addProduct(block(xty, 0, 0, inputs, outputs), transpose(matrixOf(x, rows, inputs)), matrixOf(y, rows, outputs))
  addColumnSums(block(xty, inputs, 0, 1, outputs), y)
  let squares = 0
  for (let i = 0; i < y.length; i++) squares += y[i]! * y[i]!
  gram.squares += squares
  gram.count += rows
}

/**
 * Adds rows of features to the normal equations.
 *
 * @param x [rows, inputs], row by row
 * @param y [rows, outputs], row by row
 * @throws when x and y do not consist of the same number of whole rows
 */
export function accumulate({ input, cross }: Gram, x: Float32Array, y: Float32Array): void {
  accumulateCross(cross, x, y)
  accumulateInputs(input, x)
}

/**
 * The normal equations from their two parts, which are shared and not copied.
 *
 * @throws when the parts saw inputs of different width or a different number of rows
 */
export function joinGrams(input: InputGram, cross: CrossGram): Gram {
  if (input.inputs !== cross.inputs || input.count !== cross.count) {
    throw new Error(
      `the two parts of a Gram must have seen the same inputs, got X^T X of ${input.count} rows of width ${input.inputs} ` +
        `and X^T Y of ${cross.count} rows of width ${cross.inputs}; accumulate both over the same batches`,
    )
  }
  return { input, cross }
}

/**
 * The normal equations of all rows of several problems together: their solution is the joint one of a stitch that several block pairs share.
 *
 * @throws when there is none or their widths differ
 */
export function addGrams(grams: readonly Gram[]): Gram {
  if (grams.length === 0) throw new Error('a sum of Grams needs at least one, got none')
  const { inputs, outputs } = grams[0]!.cross
  const sum = createGram(inputs, outputs)
  for (const { input, cross } of grams) {
    if (cross.inputs !== inputs || cross.outputs !== outputs) {
      throw new Error(`Grams that are added must have equal widths, got ${inputs} -> ${outputs} and ${cross.inputs} -> ${cross.outputs}`)
    }
    addInto(sum.input.xtx, input.xtx)
    addInto(sum.cross.xty, cross.xty)
    sum.input.count += input.count
    sum.cross.count += cross.count
    sum.cross.squares += cross.squares
  }
  return sum
}

function rowsOf(name: string, values: Float32Array, width: number): number {
  if (values.length % width !== 0) {
    throw new Error(`${name} must hold whole rows of width ${width}, got ${values.length} numbers; pass it as [rows, ${width}], row by row`)
  }
  return values.length / width
}

/** Adds the sum of each column of `values` [rows, width] to `out` [1, width]. */
function addColumnSums({ data, offset, columns, columnStride }: Matrix64, values: Float32Array): void {
  const sums = new Float64Array(columns)
  for (let i = 0; i < values.length; ) for (let c = 0; c < columns; c++, i++) sums[c]! += values[i]!
  for (let c = 0; c < columns; c++) data[offset + c * columnStride]! += sums[c]!
}

function addInto(to: Matrix64, from: Matrix64): void {
  for (let i = 0; i < to.data.length; i++) to.data[i]! += from.data[i]!
}

/** W = [M, c]^T [inputs + 1, outputs]: the map as the solution of a regression on [features, 1]. */
export function columnsOfMap({ inputs, outputs, weight, bias }: AffineMap): Matrix64 {
  const columns = zeros(inputs + 1, outputs)
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) columns.data[i * outputs + o] = weight[o * inputs + i]!
    columns.data[inputs * outputs + o] = bias[o]!
  }
  return columns
}

/** The map of W = [M, c]^T [inputs + 1, outputs], rounded to float32. */
export function mapOfColumns({ data, offset, rows, columns: outputs, rowStride, columnStride }: Matrix): AffineMap {
  const inputs = rows - 1
  const weight = new Float32Array(outputs * inputs)
  const bias = new Float32Array(outputs)
  for (let o = 0; o < outputs; o++) {
    const column = offset + o * columnStride
    for (let i = 0; i < inputs; i++) weight[o * inputs + i] = data[column + i * rowStride]!
    bias[o] = data[column + inputs * rowStride]!
  }
  return { inputs, outputs, weight, bias }
}

/**
 * The relative error sqrt(||X W - Y||^2 / ||Y||^2) of a map on the features that a Gram has seen, X = [features, 1], W = [M, c]^T. It is
 * computed as trace(W^T X^T X W) - 2 trace(W^T X^T Y) + trace(Y^T Y), so errors under about 1e-7 drown in the rounding.
 *
 * @throws when the Gram has seen no rows or has other widths than the map
 */
export function residual(map: AffineMap, { input, cross }: Gram): number {
  const { inputs, outputs } = cross
  if (map.inputs !== inputs || map.outputs !== outputs) {
    throw new Error(
      `a residual needs features as wide as the map, got a ${map.inputs} -> ${map.outputs} map and ${inputs} -> ${outputs} features`,
    )
  }
  if (cross.count === 0) throw new Error('a residual needs at least one row of held-out features, got none; accumulate some first')
  const w = columnsOfMap(map)
  const fitted = product(symmetric(input.xtx), w)
  let error = cross.squares
  for (let i = 0; i < w.data.length; i++) error += w.data[i]! * (fitted.data[i]! - 2 * cross.xty.data[i]!)
  if (cross.squares === 0) return error > 0 ? Number.POSITIVE_INFINITY : 0
  return Math.sqrt(Math.max(error, 0) / cross.squares)
}
