import { OutOfMemoryError } from '@learngene/ops'

/** Below it a buffer is no tensor that a smaller batch would make smaller. */
const LARGE = 2 ** 16

export interface WatchedMemory {
  /** Whether it is not known yet of all buffers that they were allocated. */
  isPending(): boolean
  /** Waits until it is. */
  settled(): Promise<void>
}

/** A buffer that was asked for. */
interface Request {
  readonly bytes: number
  failed: boolean
}

/** Buffers that were asked for before the event loop had its turn, such as those of a step. */
interface Together {
  readonly requests: Request[]
  readonly answers: Promise<void>[]
}

/** Has `tell` hear where a device has no memory for buffers: once for all those that were asked for together. */
export function watchMemory(device: GPUDevice, tell: (error: OutOfMemoryError) => void): WatchedMemory {
  const pending = new Set<Promise<void>>()
  const alive = new Set<Request>()
  let together: Together | undefined

  const answered = async ({ requests, answers }: Together) => {
    await Promise.resolve()
    together = undefined
    const there = [...alive]
    await Promise.all(answers)
    const bytes = sum(requests.filter(({ failed }) => failed))
    // What failed holds nothing.
    if (bytes > 0) tell(new OutOfMemoryError({ bytes, heldBytes: sum(there.filter(({ failed }) => !failed)) }))
  }
  const begin = (): Together => {
    const begun: Together = { requests: [], answers: [] }
    const told = answered(begun)
    pending.add(told)
    told.then(() => pending.delete(told))
    return begun
  }

  const createBuffer = device.createBuffer.bind(device)
  const create = (descriptor: GPUBufferDescriptor, request: Request): GPUBuffer => {
    try {
      return createBuffer(descriptor)
    } catch (error) {
      if (!descriptor.mappedAtCreation || !(error instanceof RangeError)) throw error
      request.failed = true
      return unmappable(createBuffer({ ...descriptor, mappedAtCreation: false }))
    }
  }
  device.createBuffer = (descriptor) => {
    const { size: bytes } = descriptor
    if (bytes < LARGE) return createBuffer(descriptor)
    const request: Request = { bytes, failed: false }
    together ??= begin()
    together.requests.push(request)
    device.pushErrorScope('out-of-memory')
    let buffer: GPUBuffer
    try {
      buffer = create(descriptor, request)
    } finally {
      const answer = device.popErrorScope().then(
        (error) => {
          if (error) request.failed = true
        },
        () => {},
      )
      together.answers.push(answer)
    }
    alive.add(request)
    const destroy = buffer.destroy.bind(buffer)
    buffer.destroy = () => {
      alive.delete(request)
      return destroy()
    }
    return buffer
  }
  return { isPending: () => pending.size > 0, settled: async () => void (await Promise.all(pending)) }
}

/** Stands in for a buffer mapped from the start, which alone is refused at once: its shortage is told as that of all others is. */
function unmappable(buffer: GPUBuffer): GPUBuffer {
  const range = new ArrayBuffer(buffer.size)
  return Object.assign(buffer, { getMappedRange: () => range, unmap: () => undefined })
}

const sum = (requests: readonly Request[]): number => requests.reduce((total, { bytes }) => total + bytes, 0)
