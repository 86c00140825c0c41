import { decodeFloat16, dequantiseRows, encodeFloat16, largestFloat16, quantiseRows } from '@learngene/vit-blocks'

/** How weights travel: `float16` rounds each value; `int8` keeps matrices as rows of integers, each row with one scale, and vectors as float16. */
export type WireFormat = 'float16' | 'int8'

/** A tensor as numbers. */
export interface PlainTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

interface WireEntry {
  readonly name: string
  readonly shape: readonly number[]
  /** Int8 values one after the other, and before them a float32 scale for each row. */
  readonly type: 'f16' | 'i8'
}

const MAGIC = 0x5754474c // LGTW

/**
 * Packs tensors into one file: magic, length of the header, header (JSON, padded to 4 bytes), then each tensor at a multiple of 4 bytes.
 *
 * @throws where a value is not finite or has no float16
 */
export function packTensors(tensors: readonly PlainTensor[], format: WireFormat): Uint8Array<ArrayBuffer> {
  const entries = tensors.map(({ name, shape }): WireEntry => ({ name, shape, type: format === 'int8' && shape.length > 1 ? 'i8' : 'f16' }))
  const header = new TextEncoder().encode(JSON.stringify(entries))
  const start = 8 + padded(header.length)
  const bytes = new Uint8Array(start + entries.reduce((total, entry) => total + bytesOf(entry), 0))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, header.length, true)
  bytes.set(header, 8)
  let offset = start
  for (const [i, entry] of entries.entries()) {
    const { data, name } = tensors[i]!
    if (!data.every(Number.isFinite)) throw new Error(`packTensors: every value must be finite; '${name}' has one that is not`)
    if (entry.type === 'f16') writeHalves(new Uint16Array(bytes.buffer, offset, data.length), data, name)
    else writeRows(bytes.buffer, offset, data, rowsOf(entry.shape))
    offset += bytesOf(entry)
  }
  return bytes
}

/** The tensors of a packed file. @throws Error of one line where it is no such file, or is cut off */
export function unpackTensors(bytes: Uint8Array, name: string): PlainTensor[] {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length)
  if (whole.length < 8 || view.getUint32(0, true) !== MAGIC)
    throw new Error(`${name} must be weights that the studio packed; it is another file, or damaged: build the page again`)
  const length = view.getUint32(4, true)
  const entries = headerOf(whole, length, name)
  let offset = 8 + padded(length)
  const needed = entries.reduce((total, entry) => total + bytesOf(entry), offset)
  if (whole.length !== needed)
    throw new Error(`${name} must have ${needed} bytes; it has ${whole.length}: the download was cut off, load the page again`)
  return entries.map((entry) => {
    const at = whole.byteOffset + offset
    offset += bytesOf(entry)
    const size = sizeOf(entry.shape)
    const data =
      entry.type === 'f16' ? decodeFloat16(new Uint16Array(whole.buffer, at, size)) : readRows(whole.buffer, at, size, rowsOf(entry.shape))
    return { name: entry.name, shape: entry.shape, data }
  })
}

function headerOf(bytes: Uint8Array, length: number, name: string): WireEntry[] {
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  } catch {
    throw new Error(`${name} must begin with a header of ${length} bytes; it is damaged: build the page again`)
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)

/** Rows that share a scale: outputs of a map; of positions [1, N, D] the tokens. */
const rowsOf = (shape: readonly number[]) => (shape.length === 3 ? shape[1]! : shape[0]!)

const padded = (bytes: number) => 4 * Math.ceil(bytes / 4)

function bytesOf({ type, shape }: WireEntry): number {
  const size = sizeOf(shape)
  return padded(type === 'f16' ? 2 * size : 4 * rowsOf(shape) + size)
}

function writeRows(buffer: ArrayBuffer, offset: number, data: Float32Array, rows: number): void {
  const { scales, values } = quantiseRows(data, rows)
  new Float32Array(buffer, offset, rows).set(scales)
  new Int8Array(buffer, offset + 4 * rows, data.length).set(values)
}

function readRows(buffer: ArrayBufferLike, offset: number, size: number, rows: number): Float32Array {
  return dequantiseRows({ scales: new Float32Array(buffer, offset, rows), values: new Int8Array(buffer, offset + 4 * rows, size) })
}

function writeHalves(into: Uint16Array, data: Float32Array, name: string): void {
  const over = data.find((value) => Math.abs(value) > largestFloat16)
  if (over !== undefined)
    throw new Error(`packTensors: values must be at most ${largestFloat16} to travel as float16; '${name}' has ${over}`)
  into.set(encodeFloat16(data))
}
