import { engine, getBackend, memory } from '@tensorflow/tfjs-core'

/** What has gone to a GPU so far. */
export interface GpuMeter {
  dispatches: number
  /** Writes of values from the host into buffers. */
  uploads: number
  newBuffers: number
  /** Bytes of buffers that are not destroyed. */
  bytes: number
  peakBytes: number
}

interface PassEncoderClass {
  readonly prototype: Pick<GPUComputePassEncoder, 'dispatchWorkgroups' | 'dispatchWorkgroupsIndirect'>
}

/** Counts, from now on, what a device is asked for. Replaces methods of the device, its queue and the class of pass encoders. */
export function meterGpu(
  device: GPUDevice,
  queue: GPUQueue = device.queue,
  passEncoder: PassEncoderClass = (globalThis as unknown as { GPUComputePassEncoder: PassEncoderClass }).GPUComputePassEncoder,
): GpuMeter {
  const meter: GpuMeter = { dispatches: 0, uploads: 0, newBuffers: 0, bytes: 0, peakBytes: 0 }

  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    meter.newBuffers++
    if (descriptor.mappedAtCreation) meter.uploads++
    meter.bytes += descriptor.size
    meter.peakBytes = Math.max(meter.peakBytes, meter.bytes)
    const destroy = buffer.destroy.bind(buffer)
    let alive = true
    buffer.destroy = () => {
      if (alive) meter.bytes -= descriptor.size
      alive = false
      return destroy()
    }
    return buffer
  }

  const writeBuffer = queue.writeBuffer.bind(queue)
  queue.writeBuffer = (...call: Parameters<GPUQueue['writeBuffer']>) => {
    meter.uploads++
    return writeBuffer(...call)
  }

  const { prototype } = passEncoder
  for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] as const) {
    const dispatch = prototype[name] as (...call: unknown[]) => undefined
    Object.assign(prototype, {
      [name](this: GPUComputePassEncoder, ...call: unknown[]) {
        meter.dispatches++
        return dispatch.apply(this, call)
      },
    })
  }
  return meter
}

/** The most memory that was in use, and whose it is: GPU buffers, the whole process, the wasm module's linear memory, or tensors at present. */
export interface Memory {
  readonly bytes: number
  readonly of: 'gpu' | 'process' | 'wasm' | 'tensors'
}

export function peakMemory(gpu?: GpuMeter): Memory {
  if (gpu) return { bytes: gpu.peakBytes, of: 'gpu' }
  const { process } = globalThis
  if (typeof process?.resourceUsage === 'function') return { bytes: process.resourceUsage().maxRSS * 1024, of: 'process' }
  if (getBackend() === 'wasm') {
    const { wasm } = engine().backend as unknown as {
      wasm: { asm?: { memory?: WebAssembly.Memory }; wasmMemory?: WebAssembly.Memory }
    }
    const linear = wasm.asm?.memory ?? wasm.wasmMemory
    if (linear) return { bytes: linear.buffer.byteLength, of: 'wasm' }
  }
  return { bytes: memory().numBytes, of: 'tensors' }
}
