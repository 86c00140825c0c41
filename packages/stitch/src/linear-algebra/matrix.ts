/** A view of numbers in an array: entry (r, c) stands at `offset + r * rowStride + c * columnStride`. Blocks and transposes share the data. */
export interface Matrix<Data extends Float32Array | Float64Array = Float32Array | Float64Array> {
  readonly data: Data
  readonly offset: number
  readonly rows: number
  readonly columns: number
  readonly rowStride: number
  readonly columnStride: number
}

/** A matrix that may be written to. */
export type Matrix64 = Matrix<Float64Array>

/** Views an array as a matrix, row by row. */
export function matrixOf<Data extends Float32Array | Float64Array>(data: Data, rows: number, columns: number): Matrix<Data> {
  if (data.length !== rows * columns) {
    throw new Error(`a [${rows}, ${columns}] matrix needs ${rows * columns} numbers, got ${data.length}`)
  }
  return { data, offset: 0, rows, columns, rowStride: columns, columnStride: 1 }
}

export function zeros(rows: number, columns: number): Matrix64 {
  return matrixOf(new Float64Array(rows * columns), rows, columns)
}

/** The `rows` x `columns` entries from (row, column) on, as a view. */
export function block<Data extends Float32Array | Float64Array>(
  matrix: Matrix<Data>,
  row: number,
  column: number,
  rows: number,
  columns: number,
): Matrix<Data> {
  return { ...matrix, offset: matrix.offset + row * matrix.rowStride + column * matrix.columnStride, rows, columns }
}

/** The same numbers with rows and columns exchanged, as a view. */
export function transpose<Data extends Float32Array | Float64Array>(matrix: Matrix<Data>): Matrix<Data> {
  const { rows, columns, rowStride, columnStride } = matrix
  return { ...matrix, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride }
}

/** A copy in float64, row by row. */
export function copyOf({ data, offset, rows, columns, rowStride, columnStride }: Matrix): Matrix64 {
  const copy = zeros(rows, columns)
  for (let r = 0, to = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, to++) copy.data[to] = data[offset + r * rowStride + c * columnStride]!
  }
  return copy
}

/** The full symmetric matrix of an upper triangle, in a copy. */
export function symmetric(upper: Matrix): Matrix64 {
  const full = copyOf(upper)
  const { data, rows: n } = full
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) data[i * n + j] = data[j * n + i]!
  return full
}

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

/** A tile of the result is as many partial sums as stay in registers. */
const tileRows = 2

const tileColumns = 4

const shortSteps = 16

/** Packs columns start .. start+count-1 of a, two rows side by side: [rows / 2, count, 2], padded with zeros. */
function packRows(panel: Float64Array, { data, offset, rows, rowStride, columnStride }: Matrix, start: number, count: number): void {
  let to = 0
  for (let row = 0; row < rows; row += tileRows) {
    const hasOdd = row + 1 < rows
    let from = offset + row * rowStride + start * columnStride
    for (let k = 0; k < count; k++, from += columnStride, to += tileRows) {
      panel[to] = data[from]!
      panel[to + 1] = hasOdd ? data[from + rowStride]! : 0
    }
  }
}

/** Packs rows start .. start+count-1 of b, four columns side by side: [columns / 4, count, 4], padded with zeros. */
function packColumns(panel: Float64Array, { data, offset, columns, rowStride, columnStride }: Matrix, start: number, count: number): void {
  let to = 0
  for (let column = 0; column < columns; column += tileColumns) {
    const width = Math.min(tileColumns, columns - column)
    let from = offset + start * rowStride + column * columnStride
    for (let k = 0; k < count; k++, from += rowStride, to += tileColumns) {
      for (let c = 0; c < tileColumns; c++) panel[to + c] = c < width ? data[from + c * columnStride]! : 0
    }
  }
}

/**
 * sums [2, 4] = the products of `count` steps of the packed rows from l on and the packed columns from r on. Sums of 16 steps are summed, which
 * rounds less than one long sum.
 */
function multiplyTile(sums: Float64Array, left: Float64Array, l: number, right: Float64Array, r: number, count: number): void {
  sums.fill(0)
  for (let start = 0; start < count; start += shortSteps) {
    const end = Math.min(start + shortSteps, count)
    let c00 = 0
    let c01 = 0
    let c02 = 0
    let c03 = 0
    let c10 = 0
    let c11 = 0
    let c12 = 0
    let c13 = 0
    let i = l + start * tileRows
    let j = r + start * tileColumns
    for (let k = start; k < end; k++) {
      const a0 = left[i]!
      const a1 = left[i + 1]!
      const b0 = right[j]!
      const b1 = right[j + 1]!
      const b2 = right[j + 2]!
      const b3 = right[j + 3]!
      c00 += a0 * b0
      c01 += a0 * b1
      c02 += a0 * b2
      c03 += a0 * b3
      c10 += a1 * b0
      c11 += a1 * b1
      c12 += a1 * b2
      c13 += a1 * b3
      i += tileRows
      j += tileColumns
    }
    sums[0]! += c00
    sums[1]! += c01
    sums[2]! += c02
    sums[3]! += c03
    sums[4]! += c10
    sums[5]! += c11
    sums[6]! += c12
    sums[7]! += c13
  }
}
