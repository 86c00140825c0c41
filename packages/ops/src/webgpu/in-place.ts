import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { TensorData, WebGPUBackend } from './backend.js'
import { newTensor } from './dispatch.js'
import { dispatchSlots, type SlotsProgram } from './slots.js'

/** The tensor itself where it alone has its buffer, else a copy in a buffer of its own: clones of a variable share its buffer. */
export function writable(backend: WebGPUBackend, source: TensorInfo): TensorInfo {
  const data = backend.tensorMap.get(source.dataId)
  if (data.refCount === 1) {
    backend.incRef(source.dataId)
    keepOffHost(data)
    return { dataId: source.dataId, shape: source.shape, dtype: source.dtype }
  }
  const result = newTensor(backend, source.shape)
  dispatchSlots(backend, COPY, [{ tensors: { source, result } }], {})
  keepOffHost(backend.tensorMap.get(result.dataId))
  return result
}

/**
 * Keeps the backend from remembering on the host what was read of this tensor: a read that began before a step and ends after it would bring
 * values of before.
 */
function keepOffHost(data: TensorData): void {
  if (data.resource == null || Object.getOwnPropertyDescriptor(data, 'values')?.get) return
  Object.defineProperty(data, 'values', { configurable: true, enumerable: true, get: () => null, set: () => {} })
}

const COPY: SlotsProgram = {
  name: 'copy',
  operands: { result: true, source: false },
  table: false,
  constants: [],
  code: (of) => ` ${of('result')} = ${of('source')}; `,
}
