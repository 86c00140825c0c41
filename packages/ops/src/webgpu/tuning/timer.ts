import type { WebGPUBackend } from '../backend.js'

/** Times what is given to a device. */
export interface GpuTimer {
  /** Whose clock: the device's, by timestamp queries, or the host's, from submission to the end of the work. */
  readonly clock: 'device' | 'host'
  /** Milliseconds that the device takes for the dispatches of `encode`, which waits for nothing and may be called twice. */
  time(encode: () => void): Promise<number>
  destroy(): void
}

/** By timestamp queries where the device has them. */
export function createTimer(backend: WebGPUBackend): GpuTimer {
  return backend.device.features.has('timestamp-query') ? deviceTimer(backend) : hostTimer(backend)
}

function deviceTimer(backend: WebGPUBackend): GpuTimer {
  const { device } = backend
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 })
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  return {
    clock: 'device',
    async time(encode) {
      flush(backend)
      backend.ensureCommandEncoderReady()
      // Once untimed: a device that has waited works at a low clock, an H100 at 345 MHz instead of 1980.
      inOnePass(backend, backend.commandEncoder!.beginComputePass(), encode)
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }
      inOnePass(backend, backend.commandEncoder!.beginComputePass({ timestampWrites }), encode)
      backend.commandEncoder!.resolveQuerySet(querySet, 0, 2, resolved, 0)
      backend.commandEncoder!.copyBufferToBuffer(resolved, 0, read, 0, 16)
      backend.submitQueue()
      await read.mapAsync(GPUMapMode.READ)
      const [begin, end] = new BigInt64Array(read.getMappedRange())
      const nanoseconds = Number(end! - begin!)
      read.unmap()
      return nanoseconds / 1e6
    },
    destroy() {
      querySet.destroy()
      resolved.destroy()
      read.destroy()
    },
  }
}

export function hostTimer(backend: WebGPUBackend, now: () => number = () => performance.now()): GpuTimer {
  return {
    clock: 'host',
    async time(encode) {
      flush(backend)
      await backend.queue.onSubmittedWorkDone()
      const began = now()
      backend.ensureCommandEncoderReady()
      inOnePass(backend, backend.commandEncoder!.beginComputePass(), encode)
      backend.submitQueue()
      await backend.queue.onSubmittedWorkDone()
      return now() - began
    },
    destroy() {},
  }
}

function flush(backend: WebGPUBackend): void {
  backend.ensureCommandEncoderReady()
  backend.endComputePassEncoder()
  backend.submitQueue()
}

/** Has all dispatches go into a pass, however many they are. */
function inOnePass(backend: WebGPUBackend, pass: GPUComputePassEncoder, encode: () => void): void {
  backend.computePassEncoder = pass
  backend.dispatchCountInPass = Number.NEGATIVE_INFINITY
  try {
    encode()
  } finally {
    backend.dispatchCountInPass = 0
    backend.endComputePassEncoder()
  }
}
