import { OutOfMemoryError } from '@learngene/ops'

/** Below it a buffer is no tensor that a smaller batch would make smaller. */
const LARGE = 2 ** 16

export interface WatchedMemory {
  /** Whether it is not known yet of all buffers that they were allocated. */
  isPending(): boolean
  /** Waits until it is. */
  settled(): Promise<void>
}

/** Has `tell` hear of each buffer for which a device has no memory. */
export function watchMemory(device: GPUDevice, tell: (error: OutOfMemoryError) => void): WatchedMemory {
  const pending = new Set<Promise<void>>()
  let heldBytes = 0
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const { size: bytes } = descriptor
    if (bytes < LARGE) return createBuffer(descriptor)
    const before = heldBytes
    const fail = () => tell(new OutOfMemoryError({ bytes, heldBytes: before }))
    device.pushErrorScope('out-of-memory')
    let buffer: GPUBuffer
    try {
      buffer = createBuffer(descriptor)
    } catch (error) {
      // One that is mapped from the start is refused at once.
      if (error instanceof RangeError) throw new OutOfMemoryError({ bytes, heldBytes: before })
      throw error
    } finally {
      const asked: Promise<void> = device.popErrorScope().then(
        (error) => {
          if (error) fail()
        },
        () => {},
      )
      pending.add(asked)
      asked.then(() => pending.delete(asked))
    }
    heldBytes += bytes
    let alive = true
    const destroy = buffer.destroy.bind(buffer)
    buffer.destroy = () => {
      if (alive) heldBytes -= bytes
      alive = false
      return destroy()
    }
    return buffer
  }
  return { isPending: () => pending.size > 0, settled: async () => void (await Promise.all(pending)) }
}
