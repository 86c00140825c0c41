import type { WebGPUBackend } from '../backend.js'

/** Times what is given to a device. */
export interface GpuTimer {
  /** Whose clock: the device's, by timestamp queries, or the host's, from submission to the end of the work. */
  readonly clock: 'device' | 'host'
  /** Milliseconds that the device takes for the dispatches of `encode`, which waits for nothing, each so many times in a row; by the host's clock where that of the device has not moved. */
  time(encode: () => void, times: number): Promise<number>
  destroy(): void
}

/** By timestamp queries where the device has them. Work that the device fails in and drops is that error, not a short time. */
export function createTimer(backend: WebGPUBackend): GpuTimer {
  const timer = backend.device.features.has('timestamp-query') ? deviceTimer(backend) : hostTimer(backend)
  const { learngeneRead = (reading) => reading() } = backend
  return { ...timer, time: (encode, times) => learngeneRead(() => timer.time(encode, times)) }
}

function deviceTimer(backend: WebGPUBackend, now: () => number = () => performance.now()): GpuTimer {
  const { device } = backend
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 })
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  return {
    clock: 'device',
    async time(encode, times) {
      flush(backend)
      backend.ensureCommandEncoderReady()
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }
      inOnePass(backend, backend.commandEncoder!.beginComputePass({ timestampWrites }), encode, times)
      backend.commandEncoder!.resolveQuerySet(querySet, 0, 2, resolved, 0)
      backend.commandEncoder!.copyBufferToBuffer(resolved, 0, read, 0, 16)
      const began = now()
      backend.submitQueue()
      await read.mapAsync(GPUMapMode.READ)
      const hostMs = now() - began
      const [begin, end] = new BigInt64Array(read.getMappedRange())
      const nanoseconds = Number(end! - begin!)
      read.unmap()
      // Clocks tick in steps of up to 0.1 ms, and those of some devices stand still.
      return nanoseconds > 0 ? nanoseconds / 1e6 : hostMs
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
    async time(encode, times) {
      flush(backend)
      await backend.queue.onSubmittedWorkDone()
      const began = now()
      backend.ensureCommandEncoderReady()
      inOnePass(backend, backend.commandEncoder!.beginComputePass(), encode, times)
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
function inOnePass(backend: WebGPUBackend, pass: GPUComputePassEncoder, encode: () => void, times: number): void {
  backend.computePassEncoder = repeating(pass, times)
  backend.dispatchCountInPass = Number.NEGATIVE_INFINITY
  try {
    encode()
  } finally {
    backend.dispatchCountInPass = 0
    backend.endComputePassEncoder()
  }
}

/** A pass that dispatches everything so many times, which takes the host next to no time: a device that is kept waiting lowers its clock. */
function repeating(pass: GPUComputePassEncoder, times: number): GPUComputePassEncoder {
  const used: Pick<GPUComputePassEncoder, 'setPipeline' | 'setBindGroup' | 'dispatchWorkgroups' | 'end'> = {
    setPipeline: (pipeline) => pass.setPipeline(pipeline),
    setBindGroup: (index: number, group: GPUBindGroup | null) => pass.setBindGroup(index, group),
    dispatchWorkgroups: (...workgroups) => {
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(...workgroups)
    },
    end: () => pass.end(),
  }
  return used as GPUComputePassEncoder
}
