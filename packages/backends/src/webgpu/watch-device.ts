import type { KernelBackend } from '@tensorflow/tfjs-core'
import type { watchMemory } from './watch-memory.js'

/** The parts of tfjs's WebGPU backend that are watched. */
export type WatchedBackend = KernelBackend & {
  readonly device: GPUDevice
  disposed: boolean
  submitQueue(): void
}

const lost = new WeakSet<object>()

/** True once the backend's device is gone: everything on it is gone with it, and a new one is needed. */
export const isLost = (backend: object): boolean => lost.has(backend)

/**
 * WebGPU reports a failed command by an event that nobody hears, and goes on with zeros. From here on the next submission or read of the
 * backend throws that error, and where memory was too little an `OutOfMemoryError` of `@learngene/ops`; when the device is lost, every one of them does.
 *
 * @param watch which pages load when they start a device
 */
export function watchDevice(backend: WatchedBackend, watch: typeof watchMemory): void {
  const { device } = backend
  let failure: Error | undefined
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    failure ??= new Error(`a WebGPU command failed: ${event.error.message}`)
  })
  // What uses a buffer that was not allocated fails too, and says less.
  const memory = watch(device, (shortage) => {
    if (!isLost(backend)) failure = shortage
  })
  const gone = device.lost.then(({ reason, message }) => {
    if (backend.disposed) return
    lost.add(backend)
    failure = new Error(
      `the GPU device was lost (${reason ?? 'unknown'}${message ? `: ${message}` : ''}); start it again with useBackend('webgpu') and resume from the last checkpoint`,
    )
  })
  const check = () => {
    if (failure === undefined) return
    const { message } = failure
    // An error's stack is that of whoever meets it.
    const error = failure.name === 'Error' ? new Error(message) : failure
    if (!isLost(backend)) failure = undefined
    throw error
  }
  const submitQueue = backend.submitQueue.bind(backend)
  backend.submitQueue = () => {
    if (!memory.isPending()) check()
    submitQueue()
  }
  const read = backend.read.bind(backend)
  backend.read = async (dataId) => {
    // It begins at once: what is read are the values of now.
    if (!memory.isPending()) check()
    try {
      return await read(dataId)
    } catch (error) {
      // A read that the loss of the device interrupts fails before the loss is told.
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 100))])
      check()
      throw error
    } finally {
      await memory.settled()
      check()
    }
  }
}
