import { packLanes } from './packing'
import { multiplyTile, TILE_COLUMNS, TILE_ROWS } from './tile'
import { bytesOf, FLOAT, VECTOR } from './vectors'
import { COLUMN_BLOCK, DEPTH_BLOCK, packedColumns, packedRows, ROW_BLOCK, tileStage, zeros } from './workspace'

/**
 * c = op(a) op(b) + bias with op the identity or the transpose; op(a) is [rows, depth], op(b) [depth, columns], c [rows, columns].
 * Blocks of both factors are packed into panels (Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"),
 * which also absorbs the transposes and the strides.
 *
 * @param aStride floats from one row of a as stored to the next; bStride and cStride likewise
 * @param bias one float per column, or 0 for none
 */
export function product(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  aStride: i32,
  aTransposed: bool,
  b: usize,
  bStride: i32,
  bTransposed: bool,
  c: usize,
  cStride: i32,
  bias: usize,
): void {
  const strideA = bytesOf(aStride)
  const strideB = bytesOf(bStride)
  const strideC = bytesOf(cStride)
  for (let column = 0; column < columns; column += COLUMN_BLOCK) {
    const width = min(COLUMN_BLOCK, columns - column)
    let k = 0
    do {
      const slice = min(DEPTH_BLOCK, depth - k)
      packColumns(width, slice, element(b, k, column, strideB, bTransposed), strideB, bTransposed)
      for (let row = 0; row < rows; row += ROW_BLOCK) {
        const height = min(ROW_BLOCK, rows - row)
        packRows(height, slice, element(a, row, k, strideA, aTransposed), strideA, aTransposed)
        const target = element(c, row, column, strideC, false)
        if (k > 0) multiplyPanels(height, width, slice, target, strideC, target, strideC)
        else multiplyPanels(height, width, slice, target, strideC, bias ? bias + bytesOf(column) : zeros, 0)
      }
      k += slice
    } while (k < depth)
  }
}

// @ts-ignore: decorator
@inline
function element(matrix: usize, row: i32, column: i32, stride: usize, transposed: bool): usize {
  return transposed ? matrix + <usize>column * stride + bytesOf(row) : matrix + <usize>row * stride + bytesOf(column)
}

function packRows(rows: i32, depth: i32, source: usize, stride: usize, transposed: bool): void {
  let panel = packedRows
  const step = transposed ? FLOAT : stride
  for (let row = 0; row < rows; row += TILE_ROWS) {
    packLanes(min(4, rows - row), depth, source + <usize>row * step, stride, transposed, panel, VECTOR)
    panel += <usize>depth * VECTOR
  }
}

function packColumns(columns: i32, depth: i32, source: usize, stride: usize, transposed: bool): void {
  let panel = packedColumns
  const step = transposed ? stride : FLOAT
  for (let column = 0; column < columns; column += TILE_COLUMNS) {
    const left = source + <usize>column * step
    packLanes(min(4, columns - column), depth, left, stride, !transposed, panel, 2 * VECTOR)
    if (columns - column > 4) {
      packLanes(min(4, columns - column - 4), depth, left + 4 * step, stride, !transposed, panel + VECTOR, 2 * VECTOR)
    }
    panel += <usize>depth * 2 * VECTOR
  }
}

/** One block of c from the packed panels. The panel of b stays in the nearest cache while the panels of a stream by. */
function multiplyPanels(rows: i32, columns: i32, depth: i32, c: usize, stride: usize, addend: usize, addendStride: usize): void {
  let b = packedColumns
  for (let column = 0; column < columns; column += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, columns - column)
    let a = packedRows
    for (let row = 0; row < rows; row += TILE_ROWS) {
      const height = min(TILE_ROWS, rows - row)
      const target = c + <usize>row * stride + bytesOf(column)
      const start = addend + <usize>row * addendStride + bytesOf(column)
      if (height == TILE_ROWS && width == TILE_COLUMNS) multiplyTile(depth, a, b, target, stride, start, addendStride)
      else multiplyEdge(height, width, depth, a, b, target, stride, start, addendStride)
      a += <usize>depth * VECTOR
    }
    b += <usize>depth * 2 * VECTOR
  }
}

/** A tile that reaches over the edge of c: computed aside, and only what is inside is read and written. */
function multiplyEdge(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  b: usize,
  c: usize,
  stride: usize,
  addend: usize,
  addendStride: usize,
): void {
  multiplyTile(depth, a, b, tileStage, 2 * VECTOR, zeros, 0)
  const bytes = bytesOf(columns)
  for (let row = 0; row < rows; row++) {
    const from = tileStage + <usize>row * 2 * VECTOR
    const to = c + <usize>row * stride
    const plus = addend + <usize>row * addendStride
    for (let o: usize = 0; o < bytes; o += FLOAT) store<f32>(to + o, load<f32>(from + o) + load<f32>(plus + o))
  }
}
