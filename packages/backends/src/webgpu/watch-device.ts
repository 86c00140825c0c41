import type { KernelBackend } from '@tensorflow/tfjs-core'
import type { watchMemory } from './watch-memory.js'

/** The parts of tfjs's WebGPU backend that are watched. */
export type WatchedBackend = KernelBackend & {
  readonly device: GPUDevice
  disposed: boolean
  submitQueue(): void
  /** Runs a reading of GPU memory other than `read`, with the errors of `read`; @learngene/ops and @learngene/compile-step run theirs in it. */
  learngeneRead?<T>(reading: () => Promise<T>): Promise<T>
}

const lost = new WeakSet<object>()

/** True once the backend's device is gone: everything on it is gone with it, and a new one is needed. */
export const isLost = (backend: object): boolean => lost.has(backend)

interface Failure {
  readonly error: Error
  readonly cause: 'command' | 'memory' | 'loss'
}

/** What uses a buffer that was not allocated fails too, and says less; all fails on a lost device. */
const CAUSES: readonly Failure['cause'][] = ['command', 'memory', 'loss']

/** How Dawn says that an operation binds, or makes, more than the device's limits allow. */
const TOO_LARGE = /(?:Binding|Buffer) size \((\d+)\).*?(?:larger than the maximum|exceeds the max)[^(]*\((\d+)\)/

function messageOf({ message }: GPUError): string {
  const [, bytes, limit] = TOO_LARGE.exec(message) ?? []
  if (bytes === undefined) return `a WebGPU command failed: ${message}`
  return `a tensor takes ${bytes} bytes, and this GPU takes ${limit} at once; take a smaller batch`
}

/** The failure that says more; of two alike the first, of which the other may come. */
const moreTelling = (before: Failure | undefined, next: Failure): Failure =>
  before && CAUSES.indexOf(before.cause) >= CAUSES.indexOf(next.cause) ? before : next

/**
 * WebGPU reports a failed command by an event that nobody hears, and goes on with zeros. From here on all reads under way throw that error, which may have
 * read those zeros, or else the next submission or read of the backend; where memory was too little it is an `OutOfMemoryError` of `@learngene/ops`. When the device is
 * lost, every one of them does.
 *
 * @param watch which pages load when they start a device
 */
export function watchDevice(backend: WatchedBackend, watch: typeof watchMemory): void {
  const { device } = backend
  /** What nobody has met yet. */
  let failure: Failure | undefined
  const underWay = new Set<{ failure: Failure | undefined }>()
  const fail = (next: Failure) => {
    failure = moreTelling(failure, next)
    for (const reading of underWay) reading.failure = moreTelling(reading.failure, next)
  }
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    fail({ error: new Error(messageOf(event.error)), cause: 'command' })
  })
  const memory = watch(device, (error) => fail({ error, cause: 'memory' }))
  const gone = device.lost.then(({ reason, message }) => {
    if (backend.disposed) return
    lost.add(backend)
    const error = new Error(
      `the GPU device was lost (${reason ?? 'unknown'}${message ? `: ${message}` : ''}); start it again with useBackend('webgpu') and resume from the last checkpoint`,
    )
    fail({ error, cause: 'loss' })
  })
  const check = (met: Failure | undefined) => {
    if (met === undefined) return
    if (!isLost(backend)) failure = undefined
    // An error's stack is that of whoever meets it.
    throw met.cause === 'memory' ? met.error : new Error(met.error.message)
  }
  const submitQueue = backend.submitQueue.bind(backend)
  backend.submitQueue = () => {
    if (!memory.isPending()) check(failure)
    submitQueue()
  }
  const watched = async <T>(begin: () => Promise<T>): Promise<T> => {
    // It begins at once: what is read are the values of now.
    if (!memory.isPending()) check(failure)
    const reading = { failure }
    underWay.add(reading)
    try {
      return await begin()
    } catch (error) {
      // A read that the loss of the device interrupts fails before the loss is told.
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 100))])
      throw error
    } finally {
      await memory.settled()
      underWay.delete(reading)
      check(reading.failure)
    }
  }
  backend.learngeneRead = watched
  const read = backend.read.bind(backend)
  backend.read = (dataId) => watched(() => read(dataId))
}
