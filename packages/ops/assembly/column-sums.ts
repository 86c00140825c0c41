import { bytesOf, FLOAT, VECTOR, wholeVectors } from './vectors'

/** y [width] = sum of the rows of x [rows, width]. */
export function columnSums(rows: i32, width: i32, x: usize, y: usize): void {
  const bytes = bytesOf(width)
  const whole = wholeVectors(bytes)
  memory.fill(y, 0, bytes)
  let row = 0
  for (; row + 4 <= rows; row += 4) {
    const x1 = x + bytes
    const x2 = x1 + bytes
    const x3 = x2 + bytes
    let o: usize = 0
    for (; o < whole; o += VECTOR) {
      const pair = f32x4.add(v128.load(x + o), v128.load(x1 + o))
      const otherPair = f32x4.add(v128.load(x2 + o), v128.load(x3 + o))
      v128.store(y + o, f32x4.add(v128.load(y + o), f32x4.add(pair, otherPair)))
    }
    for (; o < bytes; o += FLOAT) {
      const four = load<f32>(x + o) + load<f32>(x1 + o) + (load<f32>(x2 + o) + load<f32>(x3 + o))
      store<f32>(y + o, load<f32>(y + o) + four)
    }
    x += 4 * bytes
  }
  for (; row < rows; row++) {
    for (let o: usize = 0; o < bytes; o += FLOAT) store<f32>(y + o, load<f32>(y + o) + load<f32>(x + o))
    x += bytes
  }
}
