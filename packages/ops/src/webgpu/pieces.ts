import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from './backend.js'
import type { TensorPart } from './dispatch.js'

/** Where a device may be asked to bind a buffer from: multiples of 256 bytes, as words of four. */
const BOUND_WORDS = 64

/** Words of four bytes of each of a tensor's first. */
const wordsOf = ({ shape }: TensorInfo): number => util.sizeFromShape(shape.slice(1))

/** The least number of rows that takes a multiple of 256 bytes of each tensor. */
function unitOf(tensors: readonly TensorInfo[]): number {
  let unit = BOUND_WORDS
  while (unit > 1 && tensors.every((tensor) => ((unit / 2) * wordsOf(tensor)) % BOUND_WORDS === 0)) unit /= 2
  return unit
}

/** How many of the rows of such tensors, which are their first, the device binds at once: all, or as many as end where a buffer may be bound from. */
export function rowsAtOnce({ device }: WebGPUBackend, rows: number, tensors: readonly TensorInfo[]): number {
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / (4 * Math.max(...tensors.map(wordsOf))))
  if (rows <= most) return rows
  const unit = unitOf(tensors)
  return Math.max(unit, Math.floor(most / unit) * unit)
}

/** Some rows of a tensor; the tensor itself where they are all. */
export function rowsOf(tensor: TensorInfo, first: number, count: number): TensorInfo | TensorPart {
  const words = wordsOf(tensor)
  return count === tensor.shape[0] ? tensor : { tensor, offset: 4 * first * words, size: 4 * count * words }
}

/** Some rows of several tensors. */
interface Piece {
  readonly count: number
  readonly tensors: { readonly [name: string]: TensorInfo | TensorPart }
}

/** Tensors of as many rows each, cut where they are larger than what the device binds at once: one piece where it binds them whole. */
export function piecesOf(backend: WebGPUBackend, rows: number, tensors: { readonly [name: string]: TensorInfo }): Piece[] {
  const named = Object.entries(tensors)
  const infos = named.map(([, tensor]) => tensor)
  const step = rowsAtOnce(backend, rows, infos)
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const first = i * step
    const count = Math.min(step, rows - first)
    return { count, tensors: Object.fromEntries(named.map(([name, tensor]) => [name, rowsOf(tensor, first, count)])) }
  })
}
