import { gunzip, isGzip } from './gunzip.js'

/** An array read from an IDX file: `data` holds the product of `shape` values, last dimension fastest. */
export interface IdxArray {
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

export interface ReadIdxOptions {
  /** Named in errors; the file's path is best. */
  readonly name?: string
}

const uint8Type = 0x08
const otherTypes: { readonly [code: number]: string } = { 9: 'int8', 11: 'int16', 12: 'int32', 13: 'float32', 14: 'float64' }
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')

/**
 * Reads an IDX file of unsigned bytes (the format of MNIST and Fashion-MNIST), gzipped or plain: two zero bytes, a type code, the rank,
 * one big-endian uint32 per dimension, then the values.
 *
 * Throws one line that begins with the file's name when the gzip data, the magic number, the type or the length is wrong.
 * Source: "The IDX file format", yann.lecun.com/exdb/mnist.
 */
export const readIdx = async (bytes: Uint8Array, { name = 'IDX data' }: ReadIdxOptions = {}): Promise<IdxArray> => {
  const plain = isGzip(bytes) ? await gunzip(bytes, name) : bytes
  const [zero, alsoZero, type = -1, rank = 0] = plain
  if (plain.length < 4 || zero !== 0 || alsoZero !== 0)
    throw new Error(
      `${name}: an IDX file starts with bytes 00 00, type, rank; got ${hex(plain.subarray(0, 4)) || 'an empty file'}; is it another file?`,
    )
  if (type !== uint8Type) {
    const found = otherTypes[type] ?? 'unknown'
    throw new Error(
      `${name}: only IDX files of uint8 (type 0x08) are read, got type 0x${hex(plain.subarray(2, 3))} (${found}); convert the values to uint8`,
    )
  }
  if (rank < 1 || rank > 4)
    throw new Error(`${name}: an IDX file of images or labels has 1 to 4 dimensions, got rank ${rank}; is the file damaged?`)
  const header = 4 + 4 * rank
  if (plain.length < header)
    throw new Error(
      `${name}: an IDX header of rank ${rank} takes ${header} bytes, got ${plain.length}; the file is cut short, fetch it again`,
    )
  const view = new DataView(plain.buffer, plain.byteOffset, header)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const values = shape.reduce((product, size) => product * size, 1)
  const found = plain.length - header
  if (found !== values) {
    const problem = found < values ? 'cut short' : 'too long'
    throw new Error(
      `${name}: shape ${shape.join(' x ')} needs ${values} values, got ${found}; the file is ${problem} or its header damaged, fetch it again`,
    )
  }
  return { shape, data: plain.subarray(header) }
}
