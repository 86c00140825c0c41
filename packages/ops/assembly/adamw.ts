import { bytesOf, FLOAT, multiplyAdd, VECTOR, wholeVectors } from './vectors'

/**
 * One AdamW step into new arrays:
 * m' = beta1 m + (1 - beta1) g, v' = beta2 v + (1 - beta2) g^2, p' = shrink p - stepSize m' / (correction sqrt(v') + epsilon).
 *
 * @param factor multiplies the gradient
 * @param rest1 1 - beta1, and `rest2` 1 - beta2, rounded once from double precision
 * @param shrink 1 - learningRate weightDecay
 * @param stepSize learningRate / (1 - beta1^step)
 * @param correction 1 / sqrt(1 - beta2^step)
 */
export function adamW(
  count: i32,
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  nextP: usize,
  nextM: usize,
  nextV: usize,
  factor: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  shrink: f32,
  stepSize: f32,
  correction: f32,
  epsilon: f32,
): void {
  const bytes = bytesOf(count)
  const whole = wholeVectors(bytes)
  let o: usize = 0
  for (; o < whole; o += VECTOR) {
    const gradient = f32x4.mul(v128.load(g + o), f32x4.splat(factor))
    const mean = multiplyAdd(gradient, f32x4.splat(rest1), f32x4.mul(v128.load(m + o), f32x4.splat(beta1)))
    const square = multiplyAdd(
      f32x4.mul(gradient, gradient),
      f32x4.splat(rest2),
      f32x4.mul(v128.load(v + o), f32x4.splat(beta2)),
    )
    const denominator = multiplyAdd(f32x4.sqrt(square), f32x4.splat(correction), f32x4.splat(epsilon))
    const change = f32x4.div(f32x4.mul(mean, f32x4.splat(stepSize)), denominator)
    v128.store(nextP + o, f32x4.sub(f32x4.mul(v128.load(p + o), f32x4.splat(shrink)), change))
    v128.store(nextM + o, mean)
    v128.store(nextV + o, square)
  }
  for (; o < bytes; o += FLOAT) {
    const gradient = load<f32>(g + o) * factor
    const mean = gradient * rest1 + load<f32>(m + o) * beta1
    const square = gradient * gradient * rest2 + load<f32>(v + o) * beta2
    const change = (mean * stepSize) / (sqrt(square) * correction + epsilon)
    store<f32>(nextP + o, load<f32>(p + o) * shrink - change)
    store<f32>(nextM + o, mean)
    store<f32>(nextV + o, square)
  }
}
