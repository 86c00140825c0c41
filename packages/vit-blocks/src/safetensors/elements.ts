/** Bytes per element of every dtype that a file may hold. */
const bytesPerElement = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const

/** The element types of files that are read; weights are read from F64, F32, F16 and BF16 and written as the last three. */
export type Dtype = keyof typeof bytesPerElement

export const dtypes = Object.keys(bytesPerElement) as readonly Dtype[]

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(bytesPerElement, value)
}

export function elementBytes(dtype: Dtype): number {
  return bytesPerElement[dtype]
}

/** Whether weights of a network are read from tensors of this type. */
export function isWeight(dtype: Dtype): dtype is 'F64' | 'F32' | 'F16' | 'BF16' {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

/** Whether every dimension is a whole number of at least 0. A scalar has the shape `[]`. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0)
}

/** Product of the dimensions; undefined where it, or a part of it, is beyond 2^53 - 1. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1
  for (const dimension of shape) {
    count *= dimension
    if (!Number.isSafeInteger(count)) return undefined
  }
  return count
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i])
}

/**
 * Elements as read: F32, F16 and BF16 as Float32Array, F64 as Float64Array, integers as the array of their type, BOOL and the two of F8 as the bytes that they are.
 */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** Little-endian elements from bytes at any alignment, into memory of their own. */
export function decode(dtype: Dtype, bytes: Uint8Array): TensorData {
  const own = new Uint8Array(bytes)
  switch (dtype) {
    case 'F32':
      return new Float32Array(own.buffer)
    case 'F16':
      return decodeFloat16(new Uint16Array(own.buffer))
    case 'BF16':
      return decodeBfloat16(new Uint16Array(own.buffer))
    case 'F64':
      return new Float64Array(own.buffer)
    case 'I64':
      return new BigInt64Array(own.buffer)
    case 'U64':
      return new BigUint64Array(own.buffer)
    case 'I32':
      return new Int32Array(own.buffer)
    case 'U32':
      return new Uint32Array(own.buffer)
    case 'I16':
      return new Int16Array(own.buffer)
    case 'U16':
      return new Uint16Array(own.buffer)
    case 'I8':
      return new Int8Array(own.buffer)
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'U8':
    case 'BOOL':
      return own
  }
}

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

/** Index of the first infinity or NaN, -1 if there is none. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return i
  }
  return -1
}
