import type { Refuse } from '../refusal.js'
import type { BufferManager } from './backend.js'
import type { Binding, BufferRef, Command, LogicalBuffer } from './commands.js'

/** Stands in for a backend's device, queue and buffers, and notes the commands that would have run. */
export interface Recorder {
  readonly device: GPUDevice
  readonly queue: GPUQueue
  readonly bufferManager: BufferManager
  readonly commands: Command[]
  readonly logicalBuffers: readonly LogicalBuffer[]
  /** The buffer behind what a tensor holds during the recording. */
  refer(buffer: GPUBuffer): BufferRef
  /** A buffer without memory, in the form that tensors hold. */
  newBuffer(size: number): GPUBuffer
  /** Lets commands use a buffer that is not of the recording. */
  admit(buffer: GPUBuffer): void
}

const UNIFORM_SIZE_LIMIT = 65_536

/** @param createPipeline in place of the device's */
export function createRecorder(
  device: GPUDevice,
  manager: BufferManager,
  refuse: Refuse,
  createPipeline = (descriptor: GPUComputePipelineDescriptor) => device.createComputePipeline(descriptor),
): Recorder {
  const commands: Command[] = []
  const logicalBuffers: LogicalBuffer[] = []
  const logical = new Map<GPUBuffer, LogicalBuffer>()
  const uniforms = new Map<GPUBuffer, { content: Uint8Array<ArrayBuffer> }>()
  const outside = new Set<GPUBuffer>()

  /** Passes the backend's `instanceof GPUBuffer`; of a buffer's members it has those that the backend uses. */
  const standIn = (size: number, usage: GPUBufferUsageFlags, members: object = {}): GPUBuffer =>
    Object.defineProperties(
      Object.create(GPUBuffer.prototype),
      Object.getOwnPropertyDescriptors({ size, usage, mapState: 'unmapped', destroy() {}, ...members }),
    )

  const newLogical = (size: number, usage: GPUBufferUsageFlags, mapped: boolean): GPUBuffer => {
    const info: LogicalBuffer = { logical: true, index: logicalBuffers.length, size, content: null }
    const range = mapped ? new ArrayBuffer(size) : null
    const members = mapped && {
      mapState: 'mapped',
      getMappedRange: () => range,
      unmap() {
        info.content = new Uint8Array(range!)
      },
    }
    const buffer = standIn(size, usage, members || {})
    logicalBuffers.push(info)
    logical.set(buffer, info)
    return buffer
  }

  const newUniform = (size: number, usage: GPUBufferUsageFlags): GPUBuffer => {
    if (size > UNIFORM_SIZE_LIMIT) refuse(`it makes a uniform buffer of ${size} bytes`)
    const buffer = standIn(size, usage)
    uniforms.set(buffer, { content: new Uint8Array(size) })
    return buffer
  }

  const refer = (buffer: GPUBuffer): BufferRef => {
    const info = logical.get(buffer)
    if (info) return info
    if (!outside.has(buffer)) refuse('it uses a GPU buffer that belongs to no tensor')
    return buffer
  }

  const bind = ({ binding, resource }: GPUBindGroupEntry): Binding => {
    const { buffer, offset = 0, size } = resource as GPUBufferBinding
    if (!buffer) refuse('it uses a texture')
    const uniform = uniforms.get(buffer)
    if (uniform) return { binding, content: uniform.content }
    return { binding, buffer: refer(buffer), offset, size: size ?? buffer.size - offset }
  }

  const pass = () => {
    let pipeline: GPUComputePipeline
    let group: { layout: GPUBindGroupLayout; bindings: Binding[] }
    return only(refuse, 'compute pass', {
      setPipeline(next: GPUComputePipeline) {
        pipeline = next
      },
      setBindGroup(index: number, next: unknown) {
        if (index !== 0) refuse(`it uses bind group ${index}`)
        group = next as typeof group
      },
      dispatchWorkgroups(x: number, y = 1, z = 1) {
        commands.push({ kind: 'dispatch', pipeline, ...group, workgroups: [x, y, z] })
      },
      end() {},
    })
  }

  const encoder = only(refuse, 'command encoder', {
    beginComputePass(descriptor: GPUComputePassDescriptor = {}) {
      if (descriptor.timestampWrites) refuse('it is being timed')
      return pass()
    },
    copyBufferToBuffer(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, size: number) {
      commands.push({ kind: 'copy', from: refer(from), fromOffset, to: refer(to), toOffset, size })
    },
    finish: () => null,
  })

  const queue = only(refuse, 'queue', {
    writeBuffer(buffer: GPUBuffer, offset: number, data: ArrayBuffer | ArrayBufferView, start = 0, count?: number) {
      const uniform = uniforms.get(buffer)
      if (!uniform) refuse('it writes into a buffer from the host')
      uniform.content.set(bytesOf(data, start, count), offset)
    },
    submit() {},
  }) as unknown as GPUQueue

  const recordingDevice = only(refuse, 'device', {
    limits: device.limits,
    features: device.features,
    adapterInfo: device.adapterInfo,
    queue,
    createShaderModule: (descriptor: GPUShaderModuleDescriptor) => device.createShaderModule(descriptor),
    createComputePipeline: createPipeline,
    createCommandEncoder: () => encoder,
    createBindGroup: ({ layout, entries }: GPUBindGroupDescriptor) => ({ layout, bindings: [...entries].map(bind) }),
  }) as unknown as GPUDevice

  return {
    device: recordingDevice,
    queue,
    commands,
    logicalBuffers,
    refer,
    newBuffer: (size) => newLogical(size, 0, false),
    admit: (buffer) => void (logical.has(buffer) || outside.add(buffer)),
    bufferManager: {
      acquireBuffer(size, usage, mapped = false) {
        if (usage & GPUBufferUsage.MAP_READ) refuse('it reads data from the GPU')
        return usage & GPUBufferUsage.UNIFORM ? newUniform(size, usage) : newLogical(size, usage, mapped)
      },
      releaseBuffer(buffer, reuse) {
        if (!logical.has(buffer) && !uniforms.has(buffer)) manager.releaseBuffer(buffer, reuse)
      },
      getNumUsedBuffers: () => manager.getNumUsedBuffers(),
      getNumFreeBuffers: () => manager.getNumFreeBuffers(),
      get numBytesUsed() {
        return manager.numBytesUsed
      },
      get numBytesAllocated() {
        return manager.numBytesAllocated
      },
    },
  }
}

/** A stand-in that refuses whatever it does not have, instead of being undefined there. */
function only<T extends object>(refuse: Refuse, what: string, members: T): T {
  return new Proxy(members, {
    get(target, name) {
      if (name in target) return target[name as keyof T]
      refuse(`it uses '${String(name)}' of the ${what}`)
    },
  })
}

/** `start` and `count` are in elements of the data, as in GPUQueue.writeBuffer. */
function bytesOf(data: ArrayBuffer | ArrayBufferView, start: number, count?: number): Uint8Array {
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data, start, count)
  const unit = (data as Uint8Array).BYTES_PER_ELEMENT ?? 1
  return new Uint8Array(data.buffer, data.byteOffset + start * unit, count === undefined ? data.byteLength - start * unit : count * unit)
}
