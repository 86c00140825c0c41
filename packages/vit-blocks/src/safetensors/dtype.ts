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
