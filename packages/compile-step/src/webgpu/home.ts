import { type DataId, engine, type Variable } from '@tensorflow/tfjs-core'
import { patch } from '../patch.js'
import { upload, type WebGPUBackend } from './backend.js'

/** A variable with the buffer that holds its values between steps, to which recorded commands refer. */
export interface Home {
  readonly variable: Variable
  readonly dataId: DataId
  readonly buffer: GPUBuffer
}

export interface HomeKeeper {
  readonly homes: readonly Home[]
  /** Variables that were assigned another tensor since, and so hold another buffer. */
  moved(): Home[]
  /** Gives the variables that moved their own buffers back, with whatever is in them. */
  bringBack(): void
  /** Lets TensorFlow.js free buffers of variables again, those that were left meanwhile at once. */
  end(): void
}

/**
 * Keeps the buffer of every variable on the backend alive while something may assign to it. Counts no reference, since kernels write in place only where
 * there is one alone.
 */
export function keepHomes(backend: WebGPUBackend): HomeKeeper {
  const homes = Object.values(engine().registeredVariables)
    .filter(({ dataId }) => backend.tensorMap.has(dataId))
    .map((variable): Home => {
      const data = backend.tensorMap.get(variable.dataId)
      upload(backend, data)
      return { variable, dataId: variable.dataId, buffer: data.resource! }
    })
    .filter(({ buffer }) => buffer)
  const byDataId = new Map(homes.map((home) => [home.dataId, home]))
  const left = new Set<Home>()
  const disposeData = backend.disposeData.bind(backend)
  const restore = patch<WebGPUBackend>(backend, {
    disposeData(dataId, force) {
      const home = byDataId.get(dataId)
      if (!home || force || backend.tensorMap.get(dataId).refCount > 1) return disposeData(dataId, force)
      left.add(home)
      return true
    },
  })
  const moved = () => homes.filter(({ variable, dataId }) => !variable.isDisposed && variable.dataId !== dataId)
  return {
    homes,
    moved,
    bringBack() {
      for (const home of moved()) {
        const { variable, dataId } = home
        if (!left.delete(home)) backend.incRef(dataId)
        const tensor = engine().makeTensorFromTensorInfo({ dataId, shape: variable.shape, dtype: variable.dtype }, backend)
        variable.assign(tensor)
        tensor.dispose()
      }
    },
    end() {
      restore()
      for (const { dataId } of left) disposeData(dataId)
    },
  }
}
