import { bytesOf, FLOAT, VECTOR } from './vectors'

/**
 * Lays four rows (or columns) of a matrix side by side, as the product's inner loop reads them: target[k] = lanes 0..3 at depth k.
 * Exactly one of the two directions is contiguous: the depth, or (acrossLanes) the lanes. Where fewer than four lanes exist the
 * rest holds anything; nobody stores what is computed from it.
 *
 * @param stride bytes between neighbours in the other direction
 * @param targetStride bytes from one depth to the next in the packed panel
 */
export function packLanes(count: i32, depth: i32, source: usize, stride: usize, acrossLanes: bool, target: usize, targetStride: usize): void {
  if (!acrossLanes) transposeLanes(count, depth, source, stride, target, targetStride)
  else if (count == 4) copyLanes(depth, source, stride, target, targetStride)
  else copySomeLanes(count, depth, source, stride, target, targetStride)
}

function copyLanes(depth: i32, source: usize, stride: usize, target: usize, targetStride: usize): void {
  for (let k = 0; k < depth; k++) {
    v128.store(target, v128.load(source))
    source += stride
    target += targetStride
  }
}

function copySomeLanes(count: i32, depth: i32, source: usize, stride: usize, target: usize, targetStride: usize): void {
  const bytes = bytesOf(count)
  for (let k = 0; k < depth; k++) {
    for (let lane: usize = 0; lane < bytes; lane += FLOAT) store<f32>(target + lane, load<f32>(source + lane))
    source += stride
    target += targetStride
  }
}

function transposeLanes(count: i32, depth: i32, source: usize, stride: usize, target: usize, targetStride: usize): void {
  let s0 = source
  let s1 = count > 1 ? source + stride : source
  let s2 = count > 2 ? source + 2 * stride : source
  let s3 = count > 3 ? source + 3 * stride : source
  let k = 0
  for (; k + 4 <= depth; k += 4) {
    const a = v128.load(s0)
    const b = v128.load(s1)
    const c = v128.load(s2)
    const d = v128.load(s3)
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5) // a0 b0 a1 b1
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
    const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7) // a2 b2 a3 b3
    const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
    v128.store(target, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5))
    v128.store(target + targetStride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
    v128.store(target + 2 * targetStride, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5))
    v128.store(target + 3 * targetStride, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7))
    s0 += VECTOR
    s1 += VECTOR
    s2 += VECTOR
    s3 += VECTOR
    target += 4 * targetStride
  }
  for (; k < depth; k++) {
    store<f32>(target, load<f32>(s0))
    store<f32>(target, load<f32>(s1), 4)
    store<f32>(target, load<f32>(s2), 8)
    store<f32>(target, load<f32>(s3), 12)
    s0 += FLOAT
    s1 += FLOAT
    s2 += FLOAT
    s3 += FLOAT
    target += targetStride
  }
}
