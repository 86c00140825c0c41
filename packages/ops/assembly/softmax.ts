import { exponential } from './exponential'
import { bytesOf, first, FLOAT, maximumOfLanes, multiplyAdd, sumOfLanes, VECTOR, wholeVectors } from './vectors'

/**
 * One row of scores becomes probabilities, exp(scale (s - maximum)) / total, in place. Statistics receive the maximum and 1 / total,
 * from which {@link restoreRow} makes the same row again.
 *
 * @param scale positive
 */
export function softmaxRow(count: i32, row: usize, scale: f32, statistics: usize): void {
  const end = row + bytesOf(count)
  const whole = row + wholeVectors(bytesOf(count))
  const maximum = maximumOf(row, whole, end)
  const scales = f32x4.splat(scale)
  const maxima = f32x4.splat(maximum)
  let totals = f32x4.splat(0)
  let p = row
  for (; p < whole; p += VECTOR) {
    const e = exponential(f32x4.mul(f32x4.sub(v128.load(p), maxima), scales))
    v128.store(p, e)
    totals = f32x4.add(totals, e)
  }
  let total = sumOfLanes(totals)
  for (; p < end; p += FLOAT) {
    const e = first(exponential(f32x4.mul(f32x4.sub(v128.load_splat<f32>(p), maxima), scales)))
    store<f32>(p, e)
    total += e
  }
  const inverse: f32 = 1 / total
  const inverses = f32x4.splat(inverse)
  for (p = row; p < whole; p += VECTOR) v128.store(p, f32x4.mul(v128.load(p), inverses))
  for (; p < end; p += FLOAT) store<f32>(p, load<f32>(p) * inverse)
  store<f32>(statistics, maximum)
  store<f32>(statistics, inverse, 4)
}

/** Scores to the probabilities that {@link softmaxRow} made of them, in place. */
export function restoreRow(count: i32, row: usize, scale: f32, statistics: usize): void {
  const end = row + bytesOf(count)
  const whole = row + wholeVectors(bytesOf(count))
  const scales = f32x4.splat(scale)
  const maxima = v128.load_splat<f32>(statistics)
  const inverses = v128.load_splat<f32>(statistics, 4)
  for (; row < whole; row += VECTOR) {
    v128.store(row, f32x4.mul(exponential(f32x4.mul(f32x4.sub(v128.load(row), maxima), scales)), inverses))
  }
  for (; row < end; row += FLOAT) {
    store<f32>(row, first(f32x4.mul(exponential(f32x4.mul(f32x4.sub(v128.load_splat<f32>(row), maxima), scales)), inverses)))
  }
}

/** Gradient of the scores from that of the probabilities p, in place: dS = scale p (dP - sum(p dP)). */
export function softmaxGradientRow(count: i32, p: usize, gradient: usize, scale: f32): void {
  const bytes = bytesOf(count)
  const whole = wholeVectors(bytes)
  let sums = f32x4.splat(0)
  let o: usize = 0
  for (; o < whole; o += VECTOR) sums = multiplyAdd(v128.load(p + o), v128.load(gradient + o), sums)
  let sum = sumOfLanes(sums)
  for (; o < bytes; o += FLOAT) sum += load<f32>(p + o) * load<f32>(gradient + o)
  sums = f32x4.splat(sum)
  const scales = f32x4.splat(scale)
  for (o = 0; o < whole; o += VECTOR) {
    const centred = f32x4.sub(v128.load(gradient + o), sums)
    v128.store(gradient + o, f32x4.mul(f32x4.mul(v128.load(p + o), centred), scales))
  }
  for (; o < bytes; o += FLOAT) store<f32>(gradient + o, load<f32>(p + o) * (load<f32>(gradient + o) - sum) * scale)
}

// @ts-ignore: decorator
@inline
function maximumOf(row: usize, whole: usize, end: usize): f32 {
  let maxima = v128.load_splat<f32>(row)
  let p = row
  for (; p < whole; p += VECTOR) maxima = f32x4.max(maxima, v128.load(p))
  let maximum = maximumOfLanes(maxima)
  for (; p < end; p += FLOAT) maximum = max(maximum, load<f32>(p))
  return maximum
}
