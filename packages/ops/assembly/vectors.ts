// Float32 vectors of four lanes. Addresses are in bytes, strides and counts in the unit their name says.

/** Bytes of one float and of one vector. */
export const FLOAT: usize = 4
export const VECTOR: usize = 16

/** a b + c; one rounding instead of two where the module is built with relaxed SIMD and the processor has it. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c)
}

// @ts-ignore: decorator
@inline
export function first(v: v128): f32 {
  return f32x4.extract_lane(v, 0)
}

// @ts-ignore: decorator
@inline
export function sumOfLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}

// @ts-ignore: decorator
@inline
export function maximumOfLanes(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  )
}

/** Bytes of `count` floats, and of the whole vectors among them; what lies between is done float by float. */
// @ts-ignore: decorator
@inline
export function bytesOf(count: i32): usize {
  return <usize>count << 2
}

// @ts-ignore: decorator
@inline
export function wholeVectors(bytes: usize): usize {
  return bytes & ~(VECTOR - 1)
}
