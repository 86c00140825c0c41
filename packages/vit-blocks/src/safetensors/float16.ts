/** The largest finite IEEE 754 half: (2 - 2^-10) x 2^15. */
export const largestFloat16 = 65504

/** Whether a code is finite: its five exponent bits are not all ones. */
export function isFiniteFloat16(code: number): boolean {
  return (code & 0x7c00) !== 0x7c00
}

/** IEEE 754 half to single, exact for every code: subnormals, infinities and the payload of NaN included. */
export function decodeFloat16(codes: Uint16Array): Float32Array {
  const bits = new Uint32Array(codes.length)
  for (let i = 0; i < codes.length; i++) bits[i] = toSingleBits(codes[i]!)
  return new Float32Array(bits.buffer)
}

/** IEEE 754 single to half, to nearest, ties to even. From 65520 on the result is infinity; NaN stays NaN. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const codes = new Uint16Array(values.length)
  for (let i = 0; i < codes.length; i++) codes[i] = toHalfBits(bits[i]!)
  return codes
}

function toSingleBits(code: number): number {
  const sign = (code & 0x8000) << 16
  const exponent = (code >>> 10) & 0x1f
  const mantissa = code & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13)
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13)
  if (mantissa === 0) return sign
  // Subnormal, mantissa x 2^-24: shift the leading one to where a single has its implied one.
  const shift = Math.clz32(mantissa) - 21
  return sign | ((113 - shift) << 23) | ((mantissa << (shift + 13)) & 0x7fffff)
}

function toHalfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff)
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13)
  // Below 2^-14 the result is a multiple of 2^-24; a single with exponent e holds multiples of 2^(e - 150).
  const exponent = magnitude >>> 23
  if (exponent < 102) return sign
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent)
}

/** value / 2^shift to the nearest integer, ties to even. */
function roundShift(value: number, shift: number): number {
  const odd = (value >>> shift) & 1
  return (value + (1 << (shift - 1)) - 1 + odd) >>> shift
}
