import { encodeFloat16, isFiniteFloat16, largestFloat16, quantiseRows } from '@learngene/vit-blocks'
import type { ElementType } from './schema.js'

/** How the weights of matrix products are stored; all else, such as biases and layer norms, is float32. */
export type WeightType = 'float32' | 'float16' | 'int8'

export const weightTypes: readonly WeightType[] = ['float32', 'float16', 'int8']

/** How a weight lies in the file: as it is; [out, in] as [in, out], which a product takes; or as the kernel of a convolution, [out, ...]. */
export type Layout = 'plain' | 'matrix' | 'kernel'

/** A tensor of the file. */
export interface StoredTensor {
  readonly name: string
  readonly elements: ElementType
  readonly dims: readonly number[]
  /** Little-endian, row by row. */
  readonly bytes: Uint8Array
}

interface Weight {
  readonly name: string
  readonly dims: readonly number[]
  readonly values: Float32Array
  readonly layout: Layout
}

/** @throws Error when a value does not fit into float16, naming it */
export function storeAs({ name, dims, values, layout }: Weight, type: WeightType): StoredTensor[] {
  const rows = dims[0] ?? 1
  const order = <T extends Float32Array | Uint16Array | Int8Array>(data: T) => (layout === 'matrix' ? transposed(data, rows) : data)
  const shape = layout === 'matrix' ? dims.toReversed() : dims
  const stored = (elements: ElementType, data: Float32Array | Uint16Array | Int8Array): StoredTensor => ({
    name,
    elements,
    dims: shape,
    bytes: bytesOf(order(data)),
  })
  if (layout === 'plain' || type === 'float32') return [stored('float32', values)]
  if (type === 'float16') {
    const codes = encodeFloat16(values)
    const overflow = codes.findIndex((code) => !isFiniteFloat16(code))
    if (overflow < 0) return [stored('float16', codes)]
    throw new Error(`ONNX: '${name}' must round to at most ${largestFloat16} in float16; got ${values[overflow]}: store it as float32`)
  }
  const { values: codes, scales } = quantiseRows(values, rows)
  return [stored('int8', codes), { name: scaleName(name), elements: 'float32', dims: [rows], bytes: bytesOf(scales) }]
}

/** The tensor with one scale per output channel of a weight in int8. */
export const scaleName = (weight: string): string => `${weight}.scale`

/** [rows, columns] -> [columns, rows] */
function transposed<T extends Float32Array | Uint16Array | Int8Array>(data: T, rows: number): T {
  const columns = data.length / rows
  const result = new (data.constructor as new (length: number) => T)(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]!
  return result
}

const bytesOf = (data: Float32Array | Uint16Array | Int8Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
