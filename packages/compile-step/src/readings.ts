import { engine, getBackend, type Tensor } from '@tensorflow/tfjs-core'
import { flush, memorySettled, openEncoder, type WebGPUBackend, watched } from './webgpu/backend.js'

/** Reads tensors of float32 that do not live as long as their reading takes. */
export interface Readings {
  /** The values that the tensor has now. It may be disposed, and a recording may write its buffer again, before they are there. */
  read(tensor: Tensor): Promise<Float32Array>
  /** Waits until it is known whether the device had memory for all buffers that it was asked for, at once where it is. @throws where it had not */
  settle(): Promise<void>
  /** Waits until the device is done with what it was given. Errors of that are met here: of work whose readings nobody awaits any more, and whoever reads next has no part in it. */
  drain(): Promise<void>
  /** GPU buffers held; each is used again when what was read into it is there. */
  readonly buffers: number
  /** Frees the buffers; readings under way fail. */
  dispose(): void
}

/**
 * Readings that a loop does not wait for at once.
 *
 * @param atOnce readings of one size that are under way together: so many buffers are made at the first ones, and later ones take turns with them
 */
export function createReadings(atOnce = 1): Readings {
  const all = new Set<GPUBuffer>()
  const free: GPUBuffer[] = []

  const staging = ({ device }: WebGPUBackend, size: number): GPUBuffer => {
    const made = [...all].filter((buffer) => buffer.size === size).length
    const found = free.findIndex((buffer) => buffer.size === size)
    if (found >= 0 && made >= atOnce) return free.splice(found, 1)[0]!
    const buffer = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
    all.add(buffer)
    return buffer
  }
  const readFromGPU = async (backend: WebGPUBackend, from: GPUBuffer): Promise<Float32Array> => {
    const buffer = staging(backend, from.size)
    openEncoder(backend).copyBufferToBuffer(from, 0, buffer, 0, from.size)
    flush(backend)
    await buffer.mapAsync(GPUMapMode.READ)
    const values = new Float32Array(buffer.getMappedRange().slice(0))
    buffer.unmap()
    free.push(buffer)
    return values
  }
  return {
    read(tensor) {
      if (getBackend() !== 'webgpu') return tensor.data<'float32'>()
      const backend = engine().backend as WebGPUBackend
      const { resource } = backend.tensorMap.get(tensor.dataId)
      if (!resource) return tensor.data<'float32'>()
      return watched(backend, () => readFromGPU(backend, resource))
    },
    async settle() {
      if (getBackend() === 'webgpu') await memorySettled(engine().backend as WebGPUBackend)
    },
    async drain() {
      if (getBackend() !== 'webgpu') return
      const backend = engine().backend as WebGPUBackend
      const done = () =>
        watched(backend, async () => {
          flush(backend)
          await backend.queue.onSubmittedWorkDone()
        })
      // It does not begin where an error is waiting to be met.
      await done().catch(() => done().catch(() => {}))
    },
    get buffers() {
      return all.size
    },
    dispose() {
      for (const buffer of all) buffer.destroy()
      all.clear()
    },
  }
}
