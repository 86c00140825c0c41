/** The largest finite bfloat16: (2 - 2^-7) x 2^127. */
export const largestBfloat16 = (2 - 2 ** -7) * 2 ** 127

/** Whether a code is finite: its eight exponent bits are not all ones. */
export function isFiniteBfloat16(code: number): boolean {
  return (code & 0x7f80) !== 0x7f80
}

/** bfloat16, the upper half of a single, to single: exact for every code. */
export function decodeBfloat16(codes: Uint16Array): Float32Array {
  const bits = new Uint32Array(codes.length)
  for (let i = 0; i < codes.length; i++) bits[i] = codes[i]! << 16
  return new Float32Array(bits.buffer)
}

/** Single to bfloat16, to nearest, ties to even. Values above the largest by half a step or more become infinity; NaN stays NaN. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const codes = new Uint16Array(values.length)
  for (let i = 0; i < codes.length; i++) codes[i] = toBfloat16Bits(bits[i]!)
  return codes
}

function toBfloat16Bits(bits: number): number {
  const upper = bits >>> 16
  if ((bits & 0x7fffffff) > 0x7f800000) return upper | 0x40
  return (bits + 0x7fff + (upper & 1)) >>> 16
}
