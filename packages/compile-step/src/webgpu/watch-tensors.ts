import type { DataId } from '@tensorflow/tfjs-core'
import type { Refuse } from '../refusal.js'
import { upload, type WebGPUBackend } from './backend.js'
import type { Recorder } from './recorder.js'

interface TensorWatch {
  /** What the backend does instead while a step is recorded. */
  readonly members: Partial<WebGPUBackend>
  /** The tensors that came into being. */
  readonly made: ReadonlySet<DataId>
  /** The tensors that were there before and are used, by their buffer. */
  readonly outside: ReadonlyMap<GPUBuffer, DataId>
}

/** Tells tensors that a step makes from those that were there before, and refuses to read what no command has computed. */
export function watchTensors(backend: WebGPUBackend, recorder: Recorder, refuse: Refuse): TensorWatch {
  const made = new Set<DataId>()
  const outside = new Map<GPUBuffer, DataId>()
  const { bufferManager, queue } = backend
  const write = backend.write.bind(backend)
  const uploadToGPU = backend.uploadToGPU.bind(backend)
  const readSync = (dataId: DataId) => {
    const { values, resource } = backend.tensorMap.get(dataId)
    if (resource || !values) refuse('it reads data from the GPU')
    return values as Float32Array
  }
  const members: Partial<WebGPUBackend> = {
    write(values, shape, dtype) {
      const dataId = write(values, shape, dtype)
      made.add(dataId)
      return dataId
    },
    uploadToGPU(dataId) {
      if (made.has(dataId)) return uploadToGPU(dataId)
      const data = backend.tensorMap.get(dataId)
      upload({ bufferManager, queue }, data)
      if (!data.resource) return
      outside.set(data.resource, dataId)
      recorder.admit(data.resource)
    },
    readSync,
    async read(dataId) {
      try {
        return readSync(dataId)
      } catch {
        // Nobody is to go on with this value: the step is about to run plainly instead.
        return new Promise<never>(() => {})
      }
    },
    move: () => refuse('it uses a tensor of another backend'),
  }
  return { members, made, outside }
}
