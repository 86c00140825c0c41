import { multiplyAdd, VECTOR } from './vectors'

/** Extent of one tile of a product. Eight accumulators hide the latency of an addition and leave half of the 16 registers of x64 free. */
export const TILE_ROWS: i32 = 4
export const TILE_COLUMNS: i32 = 8

/**
 * c = addend + a b for one 4 x 8 tile.
 *
 * @param a depth times four floats, one per row; `b` depth times eight, one per column
 * @param addend four rows of eight floats; a stride of 0 repeats one row, and the tile itself may be the addend
 */
export function multiplyTile(depth: i32, a: usize, b: usize, c: usize, stride: usize, addend: usize, addendStride: usize): void {
  let c00 = f32x4.splat(0)
  let c01 = f32x4.splat(0)
  let c10 = f32x4.splat(0)
  let c11 = f32x4.splat(0)
  let c20 = f32x4.splat(0)
  let c21 = f32x4.splat(0)
  let c30 = f32x4.splat(0)
  let c31 = f32x4.splat(0)
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const a0 = v128.load_splat<f32>(a)
    c00 = multiplyAdd(a0, b0, c00)
    c01 = multiplyAdd(a0, b1, c01)
    const a1 = v128.load_splat<f32>(a, 4)
    c10 = multiplyAdd(a1, b0, c10)
    c11 = multiplyAdd(a1, b1, c11)
    const a2 = v128.load_splat<f32>(a, 8)
    c20 = multiplyAdd(a2, b0, c20)
    c21 = multiplyAdd(a2, b1, c21)
    const a3 = v128.load_splat<f32>(a, 12)
    c30 = multiplyAdd(a3, b0, c30)
    c31 = multiplyAdd(a3, b1, c31)
    a += VECTOR
    b += 2 * VECTOR
  }
  storeRow(c, addend, c00, c01)
  storeRow(c + stride, addend + addendStride, c10, c11)
  storeRow(c + 2 * stride, addend + 2 * addendStride, c20, c21)
  storeRow(c + 3 * stride, addend + 3 * addendStride, c30, c31)
}

// @ts-ignore: decorator
@inline
function storeRow(target: usize, addend: usize, left: v128, right: v128): void {
  v128.store(target, f32x4.add(left, v128.load(addend)))
  v128.store(target, f32x4.add(right, v128.load(addend, 16)), 16)
}
