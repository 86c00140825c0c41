import { type Matrix, type Matrix64, zeros } from './matrix.js'
import { multiplyTile, packColumns, packRows, tileColumns, tileRows } from './tile.js'

/** Steps of the contracted dimension per pass: a pass's packed panels stay in the cache. */
const passSteps = 256

export interface AddProductOptions {
  /** Factor of the product; default 1. */
  readonly scale?: number
  /** Leave what is below the diagonal of `out` alone and save its work, for symmetric results; default false. */
  readonly upper?: boolean
}

/**
 * out += scale * a b in float64, by tiles of partial sums in registers over packed panels in the cache.
 *
 * @param out [M, N]; must not overlap a or b
 * @param a [M, K]
 * @param b [K, N]
 * @throws when the shapes do not fit
 */
export function addProduct(out: Matrix64, a: Matrix, b: Matrix, { scale = 1, upper = false }: AddProductOptions = {}): void {
  if (a.columns !== b.rows || out.rows !== a.rows || out.columns !== b.columns) {
    const shapes = [a, b, out].map(({ rows, columns }) => `[${rows}, ${columns}]`)
    throw new Error(`a product needs shapes [M, K] [K, N] -> [M, N], got ${shapes[0]} ${shapes[1]} -> ${shapes[2]}`)
  }
  const rowTiles = Math.ceil(out.rows / tileRows)
  const columnTiles = Math.ceil(out.columns / tileColumns)
  const steps = Math.min(passSteps, a.columns)
  const left = new Float64Array(rowTiles * tileRows * steps)
  const right = new Float64Array(columnTiles * tileColumns * steps)
  const sums = new Float64Array(tileRows * tileColumns)
  for (let start = 0; start < a.columns; start += passSteps) {
    const count = Math.min(passSteps, a.columns - start)
    packRows(left, a, start, count)
    packColumns(right, b, start, count)
    for (let p = 0; p < rowTiles; p++) {
      for (let q = upper ? Math.floor((p * tileRows) / tileColumns) : 0; q < columnTiles; q++) {
        multiplyTile(sums, left, p * tileRows * count, right, q * tileColumns * count, count)
        addTile(out, p * tileRows, q * tileColumns, sums, scale, upper)
      }
    }
  }
}

/** a b in float64. */
export function product(a: Matrix, b: Matrix): Matrix64 {
  const out = zeros(a.rows, b.columns)
  addProduct(out, a, b)
  return out
}

function addTile(
  { data, offset, rows, columns, rowStride, columnStride }: Matrix64,
  row: number,
  column: number,
  sums: Float64Array,
  scale: number,
  upper: boolean,
): void {
  const lastRow = Math.min(row + tileRows, rows)
  const lastColumn = Math.min(column + tileColumns, columns)
  for (let i = row; i < lastRow; i++) {
    for (let j = upper ? Math.max(i, column) : column; j < lastColumn; j++) {
      data[offset + i * rowStride + j * columnStride]! += scale * sums[(i - row) * tileColumns + j - column]!
    }
  }
}
