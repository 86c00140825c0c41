import {
  elementBytes,
  elementCount,
  encodeBfloat16,
  encodeFloat16,
  firstNonFinite,
  isFiniteBfloat16,
  isFiniteFloat16,
  isShape,
  largestBfloat16,
  largestFloat16,
} from './elements.js'
import { describe, SafetensorsError } from './errors.js'
import { metadataKey, prefixBytes } from './header.js'

/** The element types that are written. */
export type FloatDtype = 'F32' | 'F16' | 'BF16'

/** A tensor to be stored. */
export interface NamedFloatTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Elements row by row. */
  readonly data: Float32Array
}

/** A tensor of whole numbers, stored as I8 whatever the file's type is. */
export interface NamedInt8Tensor extends Omit<NamedFloatTensor, 'data'> {
  readonly data: Int8Array
}

type NamedTensor = NamedFloatTensor | NamedInt8Tensor

/** What a header says of a tensor. */
type TensorShape = Pick<NamedTensor, 'name' | 'shape'> & { readonly data?: NamedTensor['data'] }

export interface EncodeOptions {
  /** Stored element type, rounded to nearest, ties to even. Default F32. */
  readonly dtype?: FloatDtype
  readonly metadata?: { readonly [key: string]: string }
}

const shortFloats = {
  F16: { encode: encodeFloat16, isFinite: isFiniteFloat16, largest: largestFloat16, wider: 'BF16 or F32' },
  BF16: { encode: encodeBfloat16, isFinite: isFiniteBfloat16, largest: largestBfloat16, wider: 'F32' },
}

/** Header and data begin at multiples of this many bytes, so that readers can map tensors in place. */
const alignment = 8

/**
 * A safetensors file of the tensors, in the order given; the same input gives the same bytes. Metadata keys stand in the order of the object,
 * before the tensors. The header is padded with spaces to a multiple of 8 bytes.
 *
 * @throws SafetensorsError for a name used twice or reserved, data that do not fill their shape, metadata that are not strings, a value that is
 * not finite, or one that is too large for the stored type.
 */
export function encodeSafetensors(tensors: Iterable<NamedTensor>, { dtype = 'F32', metadata = {} }: EncodeOptions = {}): Uint8Array {
  const list = [...tensors]
  checkNames(list)
  const payloads = list.map((tensor) => encodeData(tensor, dtype))
  const header = encodeHeader(list, dtype, metadata)
  const dataStart = prefixBytes + header.length
  const file = new Uint8Array(payloads.reduce((total, payload) => total + payload.byteLength, dataStart))
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true)
  file.set(header, prefixBytes)
  let position = dataStart
  for (const payload of payloads) {
    file.set(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength), position)
    position += payload.byteLength
  }
  return file
}

/** The length of {@link encodeSafetensors}'s file, without the tensors' data. @throws SafetensorsError for metadata that are not strings */
export function encodedLength(tensors: readonly TensorShape[], { dtype = 'F32', metadata = {} }: EncodeOptions = {}): number {
  const elements = tensors.reduce((total, { shape }) => total + sizeOf(shape), 0)
  return prefixBytes + encodeHeader(tensors, dtype, metadata).length + elements * elementBytes(dtype)
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

/** Written piece by piece because an object would move names like "0" to the front. */
function encodeHeader(tensors: readonly TensorShape[], dtype: FloatDtype, metadata: { readonly [key: string]: string }): Uint8Array {
  const entries: string[] = []
  if (Object.keys(metadata).length > 0) entries.push(`"${metadataKey}":${encodeMetadata(metadata)}`)
  let begin = 0
  for (const { name, shape, data } of tensors) {
    const stored = data instanceof Int8Array ? 'I8' : dtype
    const end = begin + sizeOf(shape) * elementBytes(stored)
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: stored, shape, data_offsets: [begin, end] })}`)
    begin = end
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`)
  const padded = new Uint8Array(Math.ceil(json.length / alignment) * alignment).fill(0x20)
  padded.set(json)
  return padded
}

function encodeMetadata(metadata: { readonly [key: string]: string }): string {
  const wrong = Object.entries(metadata).find(([, value]) => typeof value !== 'string')
  if (wrong) throw new SafetensorsError(`metadata ${describe(wrong[0])}: must be a string, got ${describe(wrong[1])}`)
  return JSON.stringify(metadata)
}

function checkNames(tensors: readonly NamedTensor[]): void {
  const seen = new Set<string>([metadataKey])
  for (const { name } of tensors) {
    if (seen.has(name)) {
      throw new SafetensorsError(`tensor ${describe(name)}: the name must be unique and not ${metadataKey}; name it differently`)
    }
    seen.add(name)
  }
}

function encodeData({ name, shape, data }: NamedTensor, dtype: FloatDtype): Float32Array | Uint16Array | Int8Array {
  if (!isShape(shape) || elementCount(shape) !== data.length) {
    throw new SafetensorsError(
      `tensor ${describe(name)}: shape ${describe(shape)} must be of whole numbers and have as many elements as the data, ${data.length}`,
    )
  }
  if (data instanceof Int8Array) return data
  const index = firstNonFinite(data)
  if (index >= 0) {
    throw new SafetensorsError(`tensor ${describe(name)}: every value must be finite, got ${data[index]} at index ${index}`)
  }
  if (dtype === 'F32') return data
  const { encode, isFinite: fits, largest, wider } = shortFloats[dtype]
  const codes = encode(data)
  const overflow = codes.findIndex((code) => !fits(code))
  if (overflow >= 0) {
    throw new SafetensorsError(
      `tensor ${describe(name)}: every value must round to at most ${largest} in ${dtype}, got ${data[overflow]} at index ${overflow}; store it as ${wider}`,
    )
  }
  return codes
}
