import type { Matrix } from './matrix.js'

/** A tile of the result is as many partial sums as stay in registers. */
export const tileRows = 2
export const tileColumns = 4
const shortSteps = 16

/** Packs columns start .. start+count-1 of a, two rows side by side: [rows / 2, count, 2], padded with zeros. */
export function packRows(panel: Float64Array, { data, offset, rows, rowStride, columnStride }: Matrix, start: number, count: number): void {
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
export function packColumns(
  panel: Float64Array,
  { data, offset, columns, rowStride, columnStride }: Matrix,
  start: number,
  count: number,
): void {
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
export function multiplyTile(sums: Float64Array, left: Float64Array, l: number, right: Float64Array, r: number, count: number): void {
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
