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
