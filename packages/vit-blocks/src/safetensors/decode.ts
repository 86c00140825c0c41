import { decodeBfloat16 } from './bfloat16.js'
import type { Dtype } from './dtype.js'
import { decodeFloat16 } from './float16.js'

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
