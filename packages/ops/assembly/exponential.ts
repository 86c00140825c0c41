import { multiplyAdd } from './vectors'

/**
 * exp(x), relative error below 2e-7. 2^n p(r) with n = round(x / ln 2) and r = x - n ln 2; p interpolates exp at the Chebyshev
 * nodes of [-ln 2 / 2, ln 2 / 2] (scripts/fit-approximations.mjs). Zero below -87, so that no subnormal numbers, which are slow, arise;
 * exp(88) above 88; NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  const least = f32x4.splat(-87)
  const vanishes = f32x4.lt(x, least)
  x = f32x4.max(f32x4.min(x, f32x4.splat(88)), least)
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.4426950408889634)))
  // ln 2 in two parts; the first has few enough bits for n times it to be exact.
  let r = multiplyAdd(n, f32x4.splat(-0.693145751953125), x)
  r = multiplyAdd(n, f32x4.splat(-1.428606765330187e-6), r)
  let p = f32x4.splat(0.0013941108432006344)
  p = multiplyAdd(p, r, f32x4.splat(0.008375126397936283))
  p = multiplyAdd(p, r, f32x4.splat(0.041666352896786406))
  p = multiplyAdd(p, r, f32x4.splat(0.16666415514656246))
  p = multiplyAdd(p, r, f32x4.splat(0.5000000047117771))
  p = multiplyAdd(p, r, f32x4.splat(1))
  p = multiplyAdd(p, r, f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return v128.andnot(f32x4.mul(p, power), vanishes)
}
