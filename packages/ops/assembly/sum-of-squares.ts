import { bytesOf, FLOAT, multiplyAdd, sumOfLanes, VECTOR } from './vectors'

/** Bytes that are summed in single precision before their sum goes to the double one: 256 values of each of 16 sums. */
const RUN: usize = 256 * 4 * VECTOR

/** The sum of the squares of x [count]; NaN or infinite where a value is. */
export function sumOfSquares(count: i32, x: usize): f64 {
  const end = x + bytesOf(count)
  let total: f64 = 0
  while (x + 4 * VECTOR <= end) {
    const stop = min(x + RUN, end)
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    for (; x + 4 * VECTOR <= stop; x += 4 * VECTOR) {
      const xa = v128.load(x)
      const xb = v128.load(x, VECTOR)
      const xc = v128.load(x, 2 * VECTOR)
      const xd = v128.load(x, 3 * VECTOR)
      a = multiplyAdd(xa, xa, a)
      b = multiplyAdd(xb, xb, b)
      c = multiplyAdd(xc, xc, c)
      d = multiplyAdd(xd, xd, d)
    }
    total += <f64>sumOfLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)))
  }
  for (; x < end; x += FLOAT) {
    const value = load<f32>(x)
    total += <f64>(value * value)
  }
  return total
}
