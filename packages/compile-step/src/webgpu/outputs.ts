import { engine, type Tensor } from '@tensorflow/tfjs-core'
import { openEncoder, tensorUsage, type WebGPUBackend } from './backend.js'

/** A tensor on a buffer that it does not own. */
export function tensorOn(backend: WebGPUBackend, buffer: GPUBuffer, shape: number[], dtype: Tensor['dtype']): Tensor {
  const info = backend.makeTensorInfo(shape, dtype)
  Object.assign(backend.tensorMap.get(info.dataId), { resource: buffer, external: true })
  return engine().makeTensorFromTensorInfo(info, backend)
}

/**
 * Ends tensors made by {@link tensorOn}, whose buffer is about to change. What still shares one (a clone, a reshaped one) gets a copy of its own.
 *
 * @returns how many copies these are
 */
export function endTensors(backend: WebGPUBackend, tensors: readonly Tensor[]): number {
  let copies = 0
  for (const tensor of tensors) {
    const { dataId } = tensor
    if (!tensor.isDisposed) tensor.dispose()
    if (!backend.tensorMap.has(dataId)) continue
    const data = backend.tensorMap.get(dataId)
    if (!data.external) continue
    const shared = data.resource!
    data.resource = backend.bufferManager.acquireBuffer(shared.size, tensorUsage())
    data.external = false
    openEncoder(backend).copyBufferToBuffer(shared, 0, data.resource, 0, shared.size)
    copies++
  }
  return copies
}
