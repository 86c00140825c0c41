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
