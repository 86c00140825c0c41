import { exponential } from './exponential'
import { bytesOf, first, FLOAT, multiplyAdd, VECTOR, wholeVectors } from './vectors'

/** y = x Phi(x), Phi the Gaussian distribution function. */
export function gelu(count: i32, x: usize, y: usize): void {
  const end = x + bytesOf(count)
  const whole = x + wholeVectors(bytesOf(count))
  for (; x < whole; x += VECTOR, y += VECTOR) v128.store(y, value(v128.load(x)))
  for (; x < end; x += FLOAT, y += FLOAT) store<f32>(y, first(value(v128.load_splat<f32>(x))))
}

/** dx = dy (Phi(x) + x phi(x)), phi the Gaussian density. */
export function geluGradient(count: i32, x: usize, dy: usize, dx: usize): void {
  const end = x + bytesOf(count)
  const whole = x + wholeVectors(bytesOf(count))
  for (; x < whole; x += VECTOR, dy += VECTOR, dx += VECTOR) v128.store(dx, f32x4.mul(v128.load(dy), derivative(v128.load(x))))
  for (; x < end; x += FLOAT, dy += FLOAT, dx += FLOAT) store<f32>(dx, load<f32>(dy) * first(derivative(v128.load_splat<f32>(x))))
}

// @ts-ignore: decorator
@inline
function value(x: v128): v128 {
  return f32x4.mul(x, distribution(x, gaussian(x)))
}

// @ts-ignore: decorator
@inline
function derivative(x: v128): v128 {
  const g = gaussian(x)
  return multiplyAdd(f32x4.mul(x, g), f32x4.splat(0.3989422804014327), distribution(x, g))
}

/** exp(-x^2 / 2) */
// @ts-ignore: decorator
@inline
function gaussian(x: v128): v128 {
  return exponential(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)))
}

/**
 * Phi(x) through its tail, which loses no digits where x is far below zero: Phi(-a) = exp(-a^2 / 2) t p(t) with a = |x| and
 * t = 1 / (1 + 0.35 a); p interpolates at Chebyshev nodes with a relative error of 4e-8 (scripts/fit-approximations.mjs).
 */
// @ts-ignore: decorator
@inline
function distribution(x: v128, g: v128): v128 {
  const one = f32x4.splat(1)
  const t = f32x4.div(one, multiplyAdd(f32x4.abs(x), f32x4.splat(0.35), one))
  let p = f32x4.splat(-0.029679522075176663)
  p = multiplyAdd(p, t, f32x4.splat(0.14654583064688087))
  p = multiplyAdd(p, t, f32x4.splat(-0.2609612290418329))
  p = multiplyAdd(p, t, f32x4.splat(0.16505099671914386))
  p = multiplyAdd(p, t, f32x4.splat(-0.02704660885755995))
  p = multiplyAdd(p, t, f32x4.splat(0.10711458784073731))
  p = multiplyAdd(p, t, f32x4.splat(0.11944491678723934))
  p = multiplyAdd(p, t, f32x4.splat(0.13991229813282732))
  p = multiplyAdd(p, t, f32x4.splat(0.13961871256065533))
  const tail = f32x4.mul(f32x4.mul(t, p), g)
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)))
}
