import type { Tensor } from '@tensorflow/tfjs-core'
import { mapTensors } from '../tree.js'
import type { Arena, Slot } from './arena.js'
import { hostValues, openEncoder, type TensorData, tensorUsage, type WebGPUBackend } from './backend.js'
import type { Capture, Outside } from './capture.js'
import { type BufferRef, type Command, isLogical, isUniform, type LogicalBuffer } from './commands.js'
import { type Layout, layOut } from './layout.js'
import { tensorOn } from './outputs.js'

type Replayed =
  | {
      readonly kind: 'dispatch'
      readonly pipeline: GPUComputePipeline
      readonly group: GPUBindGroup
      readonly workgroups: readonly [number, number, number]
    }
  | { readonly kind: 'copy'; readonly arguments: Parameters<GPUCommandEncoder['copyBufferToBuffer']> }

/** A tensor from outside with what the backend keeps of it. */
interface Held extends Outside {
  readonly data: TensorData
}

/**
 * Commands that are given to the GPU at first, and of which each next portion makes four times as many: it works on them while the others are encoded. The first replay is given at once: where there
 * was no memory for a buffer of it, WebGPU leaves out what was given together, and without the rest an update would be one by values that nobody has computed.
 */
const FIRST_SUBMIT = 4

/** The memory that the recordings of one step share. */
export interface Memory {
  readonly backend: WebGPUBackend
  readonly device: GPUDevice
  readonly intermediates: Arena
  readonly outputs: Arena
}

/** What a replay of one recording does, and what it takes. Bytes and counts. */
export interface RecordingCounts {
  readonly dispatches: number
  readonly copies: number
  /** Inputs that were on the host in the last run, which are written to the GPU. */
  readonly uploads: number
  /** What the tensors of a plain run take together. */
  readonly plainBytes: number
}

/** The commands of one step with their memory, to be run again and again. */
export class Recording {
  /** Held by this recording alone: constants and uniforms. */
  readonly ownBytes: number
  readonly ownBuffers: number
  private readonly commands: readonly Replayed[]
  private readonly inputs: readonly (GPUBuffer | undefined)[]
  private readonly outputBuffers: readonly GPUBuffer[]
  private readonly inputSizes: readonly number[]
  private readonly slots = new Map<Slot, Arena>()
  private readonly own: GPUBuffer[] = []
  private readonly places = new Map<LogicalBuffer, GPUBuffer>()
  private readonly plainBytes: number
  private readonly step: Pick<Capture, 'outputs' | 'result'>
  private readonly outside: readonly Held[]
  private uploads = 0
  private hasRun = false

  constructor(
    private readonly memory: Memory,
    capture: Capture,
    layout: Layout = layoutFor(memory, capture),
  ) {
    const { backend, device } = memory
    const { outside, outputs, result } = capture
    this.step = { outputs, result }
    this.outside = outside.map((each) => ({ ...each, data: backend.tensorMap.get(each.dataId) }))
    this.placeShared(layout)
    this.placeOutputs(layout)
    for (const same of layout.constants) {
      const buffer = this.ownBuffer(tensorUsage(), same[0]!.content!)
      for (const logical of same) this.places.set(logical, buffer)
    }
    for (const { buffer, data } of capture.kept) {
      const real = backend.bufferManager.acquireBuffer(buffer.size, tensorUsage())
      if (buffer.content) device.queue.writeBuffer(real, 0, buffer.content)
      data.resource = real
      this.places.set(buffer, real)
    }
    const uniforms = layout.uniforms.blocks.map((block) => this.ownBuffer(GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, block))
    this.commands = layout.commands.map((command) => this.bind(command, layout, uniforms))
    this.inputs = capture.inputs.map((input) => this.places.get(input))
    this.inputSizes = capture.inputs.map(({ size }) => size)
    this.outputBuffers = layout.outputs.map((output) => this.places.get(output)!)
    this.ownBytes = this.own.reduce((sum, { size }) => sum + size, 0)
    this.ownBuffers = this.own.length
    this.plainBytes = layout.logicalBytes
    this.places.clear()
    for (const { variable, dataId } of outside) if (variable) forgetHostCopies(backend, dataId)
  }

  get counts(): RecordingCounts {
    const dispatches = this.commands.filter(({ kind }) => kind === 'dispatch').length
    return { dispatches, copies: this.commands.length - dispatches, uploads: this.uploads, plainBytes: this.plainBytes }
  }

  /**
   * Runs the step with these inputs.
   *
   * @returns the tensors of its outputs, on buffers that the next run writes again, in the structure that the function returned
   * @throws when a tensor from outside is not where it was when the step was recorded
   */
  replay(inputs: readonly Tensor[]): { readonly result: unknown; readonly tensors: Tensor[] } {
    const { backend } = this.memory
    for (const outside of this.outside) checkOutside(outside)
    let encoder = openEncoder(backend)
    this.writeInputs(encoder, inputs)
    let pass: GPUComputePassEncoder | undefined
    let pipeline: GPUComputePipeline | undefined
    let submitAt = this.hasRun ? FIRST_SUBMIT : Number.POSITIVE_INFINITY
    this.hasRun = true
    for (const [i, command] of this.commands.entries()) {
      if (i === submitAt) {
        pass?.end()
        pass = pipeline = undefined
        backend.submitQueue()
        encoder = openEncoder(backend)
        submitAt *= 4
      }
      if (command.kind === 'copy') {
        pass?.end()
        pass = pipeline = undefined
        encoder.copyBufferToBuffer(...command.arguments)
        continue
      }
      pass ??= encoder.beginComputePass()
      if (command.pipeline !== pipeline) pass.setPipeline(command.pipeline)
      pipeline = command.pipeline
      pass.setBindGroup(0, command.group)
      pass.dispatchWorkgroups(...command.workgroups)
    }
    pass?.end()
    backend.submitQueue()
    const tensors = this.step.outputs.map(({ shape, dtype }, i) => tensorOn(backend, this.outputBuffers[i]!, shape, dtype))
    let next = 0
    return { tensors, result: mapTensors(this.step.result, () => tensors[next++]) }
  }

  /** Frees what only this recording uses. */
  dispose(): void {
    for (const [slot, arena] of this.slots) arena.release(slot)
    for (const buffer of this.own) buffer.destroy()
  }

  private writeInputs(encoder: GPUCommandEncoder, inputs: readonly Tensor[]): void {
    const { backend, device } = this.memory
    this.uploads = 0
    for (const [i, { dataId }] of inputs.entries()) {
      const place = this.inputs[i]
      if (!place) continue
      const data = backend.tensorMap.get(dataId)
      if (data.resource) {
        encoder.copyBufferToBuffer(data.resource, 0, place, 0, this.inputSizes[i]!)
      } else {
        device.queue.writeBuffer(place, 0, hostValues(data))
        this.uploads++
      }
    }
  }

  private placeShared({ shared, plan }: Layout): void {
    const { intermediates } = this.memory
    const slots = [...intermediates.shared, ...plan.newSizes.map((size) => intermediates.make(size))]
    for (const [i, logical] of shared.entries()) this.place(logical, slots[plan.slots[i]!]!, intermediates)
  }

  /** Outputs need slots of their very size: a tensor is read with its whole buffer. */
  private placeOutputs({ outputs }: Layout): void {
    const arena = this.memory.outputs
    const free = [...arena.shared]
    for (const output of outputs) {
      const found = free.findIndex(({ buffer }) => buffer.size === output.size)
      this.place(output, found >= 0 ? free.splice(found, 1)[0]! : arena.make(output.size), arena)
    }
  }

  private place(logical: LogicalBuffer, slot: Slot, arena: Arena): void {
    this.places.set(logical, slot.buffer)
    if (this.slots.has(slot)) return
    this.slots.set(slot, arena)
    slot.users++
  }

  private ownBuffer(usage: GPUBufferUsageFlags, content: Uint8Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.memory.device.createBuffer({ size: content.length, usage })
    this.memory.device.queue.writeBuffer(buffer, 0, content)
    this.own.push(buffer)
    return buffer
  }

  private bind(command: Command, { uniforms }: Layout, blocks: readonly GPUBuffer[]): Replayed {
    const real = (buffer: BufferRef) => (isLogical(buffer) ? this.places.get(buffer)! : buffer)
    if (command.kind === 'copy') {
      const { from, fromOffset, to, toOffset, size } = command
      return { kind: 'copy', arguments: [real(from), fromOffset, real(to), toOffset, size] }
    }
    const { pipeline, layout, bindings, workgroups } = command
    const entries = bindings.map((binding): GPUBindGroupEntry => {
      if (!isUniform(binding)) {
        return { binding: binding.binding, resource: { buffer: real(binding.buffer), offset: binding.offset, size: binding.size } }
      }
      const { block, offset } = uniforms.places.get(binding.content)!
      return { binding: binding.binding, resource: { buffer: blocks[block]!, offset, size: binding.content.length } }
    })
    return { kind: 'dispatch', pipeline, group: this.memory.device.createBindGroup({ layout, entries }), workgroups }
  }
}

/** The layout of a captured step beside the recordings there are. */
export function layoutFor({ device, intermediates }: Memory, capture: Capture): Layout {
  const existing = intermediates.shared.map(({ buffer }) => buffer.size)
  return layOut(capture, existing, device.limits.minUniformBufferOffsetAlignment)
}

/** Bytes that a recording of this layout adds to the memory. */
export function bytesToAdd({ outputs }: Memory, layout: Layout): number {
  const free = outputs.shared.map(({ buffer }) => buffer.size)
  const newOutputs = layout.outputs.filter(({ size }) => {
    const found = free.indexOf(size)
    if (found >= 0) free.splice(found, 1)
    return found < 0
  })
  const sizes = [
    ...layout.plan.newSizes,
    ...newOutputs.map(({ size }) => size),
    ...layout.constants.map((same) => same[0]!.size),
    ...layout.uniforms.blocks.map(({ length }) => length),
  ]
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** What is disposed of loses its buffer. */
function checkOutside({ dataId, buffer, variable, data }: Held): void {
  if (variable?.isDisposed)
    throw new Error(`compileStep: the variable '${variable.name}' was disposed since the step was recorded. ${COMPILE_ANEW}`)
  if (variable && variable.dataId !== dataId) {
    throw new Error(
      `compileStep: the variable '${variable.name}' was assigned a value outside of the step since it was recorded, and moved to another buffer. ${COMPILE_ANEW}`,
    )
  }
  if (data.resource !== buffer) {
    throw new Error(`compileStep: a tensor from outside that the step uses was disposed since the step was recorded. ${COMPILE_ANEW}`)
  }
}

const COMPILE_ANEW = 'Dispose the compiled step and compile it anew'

/** From now on each read of the tensor asks the GPU: a read under way while the step runs would else leave old values behind. */
function forgetHostCopies(backend: WebGPUBackend, dataId: object): void {
  Object.defineProperty(backend.tensorMap.get(dataId), 'values', { get: () => null, set() {}, configurable: true })
}
