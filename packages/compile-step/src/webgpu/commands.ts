/** A buffer as a recorded command names it: a tensor of the step, which gets its memory when all commands are known, or one from outside. */
export type BufferRef = LogicalBuffer | GPUBuffer

/** A buffer without memory. */
export interface LogicalBuffer {
  readonly logical: true
  /** Counts up in the order of making. */
  readonly index: number
  /** bytes */
  readonly size: number
  /** What the step wrote into it from the host: the same in every run. */
  content: Uint8Array<ArrayBuffer> | null
}

export const isLogical = (buffer: BufferRef): buffer is LogicalBuffer => (buffer as LogicalBuffer).logical === true

export interface StorageBinding {
  readonly binding: number
  readonly buffer: BufferRef
  readonly offset: number
  readonly size: number
}

export interface UniformBinding {
  readonly binding: number
  readonly content: Uint8Array<ArrayBuffer>
}

export type Binding = StorageBinding | UniformBinding

export const isUniform = (binding: Binding): binding is UniformBinding => 'content' in binding

export interface Dispatch {
  readonly kind: 'dispatch'
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
  readonly bindings: readonly Binding[]
  readonly workgroups: readonly [number, number, number]
}

/** Bytes from one buffer into another. */
export interface Copy {
  readonly kind: 'copy'
  readonly from: BufferRef
  readonly fromOffset: number
  readonly to: BufferRef
  readonly toOffset: number
  readonly size: number
}

export type Command = Dispatch | Copy

/** The tensors that a command works on. */
export function buffersOf(command: Command): BufferRef[] {
  if (command.kind === 'copy') return [command.from, command.to]
  return command.bindings.flatMap((binding) => (isUniform(binding) ? [] : [binding.buffer]))
}

/** A copy of a whole buffer. */
export const copyOf = (from: BufferRef, to: BufferRef, size: number): Copy => ({ kind: 'copy', from, fromOffset: 0, to, toOffset: 0, size })
