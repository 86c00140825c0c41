/** Bytes per element of every dtype that is read. */
const bytesPerElement = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 } as const

/** The element types that are read; files are written as F32, F16 or BF16. */
export type Dtype = keyof typeof bytesPerElement

export const dtypes = Object.keys(bytesPerElement) as readonly Dtype[]

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(bytesPerElement, value)
}

export function elementBytes(dtype: Dtype): number {
  return bytesPerElement[dtype]
}
