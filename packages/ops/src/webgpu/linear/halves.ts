import type { DataId, TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { newTensor } from '../dispatch.js'

/** The largest value of float16. */
export const LARGEST_FLOAT16 = 65504

/** WGSL of values that lie in memory as float16, four of them in a `vec2u`. */
export interface Halves {
  /** Type of the values that are read. */
  readonly element: 'f16' | 'f32'
  /** Expression of a vec4 of `element` for four values in memory. */
  unpack(pairs: string): string
  /** Expression of what is written for a vec4f in float16's range, or infinite. */
  pack(values: string): string
}

/** WGSL of `in_range4(value, beyond)`: what is beyond float16's range becomes `beyond`, with its sign. */
export const IN_RANGE4 = `
fn in_range4(value: vec4f, beyond: f32) -> vec4f { return select(value, sign(value) * beyond, abs(value) > vec4f(${LARGEST_FLOAT16}.0)); }`

/** What is on the device as float16: int32 tensors [rows, columns / 2] of pairs, which a user's tensors are told from. */
const halves = new WeakSet<DataId>()

/** Whether a tensor is a matrix of float16. Such a one never leaves the operation that made it. */
export const isHalf = ({ dataId }: TensorInfo): boolean => halves.has(dataId)

/** A new matrix on the GPU, of float32 or, where `half` is set and its columns divide by 4, of float16. */
export function newMatrix(backend: WebGPUBackend, [rows, columns]: readonly [number, number], half: boolean): TensorInfo {
  if (!half || columns % 4 !== 0) return newTensor(backend, [rows, columns])
  const matrix = backend.makeTensorInfo([rows, columns / 2], 'int32')
  halves.add(matrix.dataId)
  return matrix
}

/** Rows and columns of a matrix of either kind. */
export function sizeOf(tensor: TensorInfo): [rows: number, columns: number] {
  const [rows, words] = tensor.shape as [number, number]
  return [rows, isHalf(tensor) ? 2 * words : words]
}
