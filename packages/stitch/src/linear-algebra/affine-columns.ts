import type { AffineMap } from '@learngene/vit-blocks'
import { type Matrix, type Matrix64, zeros } from './matrix.js'

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
