/** A device's memory as `limitGpuMemory` counts it. */
interface Counted {
  heldBytes: number
  /** Error scopes that are open; whether a buffer was refused in each. */
  readonly scopes: { readonly filter: GPUErrorFilter; refused: boolean }[]
}

/**
 * Has WebGPU's devices refuse buffers as those do whose memory is full: what is not allocated is invalid, and commands that use it are dropped. Only where somebody asks
 * for errors of memory, so that the small buffers that nobody watches are let through.
 *
 * @param limit bytes, of each device
 * @returns undoes it
 */
export function limitGpuMemory(limit: number): () => void {
  const device = GPUDevice.prototype
  const { createBuffer, pushErrorScope, popErrorScope } = device
  const devices = new WeakMap<GPUDevice, Counted>()
  const countedOf = (of: GPUDevice): Counted => {
    const counted = devices.get(of) ?? { heldBytes: 0, scopes: [] }
    devices.set(of, counted)
    return counted
  }
  const refuse = (of: GPUDevice, { size, usage, mappedAtCreation }: GPUBufferDescriptor): GPUBuffer => {
    if (mappedAtCreation) throw new RangeError('createBuffer failed')
    pushErrorScope.call(of, 'validation')
    const invalid = createBuffer.call(of, { size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE })
    void popErrorScope.call(of)
    return Object.defineProperty(invalid, 'usage', { value: usage })
  }
  device.createBuffer = function (descriptor) {
    const counted = countedOf(this)
    const { size } = descriptor
    const scope = counted.scopes.at(-1)
    if (scope?.filter === 'out-of-memory' && counted.heldBytes + size > limit) {
      scope.refused = true
      return refuse(this, descriptor)
    }
    const buffer = createBuffer.call(this, descriptor)
    counted.heldBytes += size
    let held = size
    const destroy = buffer.destroy.bind(buffer)
    buffer.destroy = () => {
      counted.heldBytes -= held
      held = 0
      return destroy()
    }
    return buffer
  }
  device.pushErrorScope = function (filter) {
    countedOf(this).scopes.push({ filter, refused: false })
    return pushErrorScope.call(this, filter)
  }
  device.popErrorScope = async function () {
    const scope = countedOf(this).scopes.pop()
    const error = await popErrorScope.call(this)
    return scope?.refused ? new GPUOutOfMemoryError('the limit of a test') : error
  }
  return () => Object.assign(device, { createBuffer, pushErrorScope, popErrorScope })
}
