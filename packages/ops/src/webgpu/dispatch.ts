import { env, type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from './backend.js'

type Scalar = 'u32' | 'i32' | 'f32'

/** One compute shader. Bindings are declared from `storage` in its order, then a uniform struct `u` with the fields of `uniforms`. */
export interface Program {
  /** Unique among all programs, everything included that is pasted into `code`: pipelines are cached under it. */
  readonly key: string
  /** Storage buffers by the name they have in the code; a type is `array<f32>`, `array<vec4f>`, ... */
  readonly storage: { readonly [name: string]: { readonly type: string; readonly write?: boolean } }
  /** Scalars that change without a new pipeline. */
  readonly uniforms?: { readonly [name: string]: Scalar }
  readonly workgroupSize: readonly [number, number, number]
  /** `enable` and `diagnostic` directives, which WGSL wants first. */
  readonly directives?: string
  /** Functions, workgroup variables and `fn main(...)` with its attributes but for @compute @workgroup_size, which are put before it. */
  readonly code: string
}

const UNIFORM_TYPES = { u32: 'uint32', i32: 'int32', f32: 'float32' } as const

/** Bytes of a tensor from an offset on that divides by 256: what is bound of one that is beyond the device's limit. */
export interface TensorPart {
  readonly tensor: TensorInfo
  readonly offset: number
  readonly size: number
}

/**
 * Puts one dispatch into the backend's command queue, among the others in their order. It goes through the backend's own device, queue and
 * encoder and nothing else, so that whoever records commands there records this one too.
 *
 * @param tensors one for each of the program's storage buffers; those it writes lose the copy of their values on the host
 * @param uniforms one for each of the program's uniforms
 * @throws where a tensor is larger than what the device binds at once
 */
export function dispatch(
  backend: WebGPUBackend,
  program: Program,
  tensors: { readonly [name: string]: TensorInfo | TensorPart },
  uniforms: { readonly [name: string]: number },
  workgroups: readonly [number, number, number],
): void {
  const parts = Object.keys(program.storage).map((name) => partOf(tensors[name]!))
  for (const part of parts) checkSize(backend, part)
  const pipeline = pipelineOf(backend, program)
  const entries: GPUBindGroupEntry[] = Object.values(program.storage).map(({ write }, binding) => {
    const { tensor, offset, size } = parts[binding]!
    const { dataId } = tensor
    backend.uploadToGPU(dataId)
    const data = backend.tensorMap.get(dataId)
    if (write) data.values = null
    backend.commandQueueOwnedIds.add(dataId)
    return { binding, resource: { buffer: data.resource!, ...(offset !== undefined && { offset, size }) } }
  })
  const fields = Object.entries(program.uniforms ?? {})
  if (fields.length > 0) {
    const values = fields.map(([name, type]) => ({ type: UNIFORM_TYPES[type], data: [uniforms[name]!] }))
    entries.push({ binding: entries.length, resource: backend.makeUniforms(values) })
  }
  const bindGroup = backend.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
  backend.ensureCommandEncoderReady()
  backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass()
  backend.computePassEncoder.setPipeline(pipeline)
  backend.computePassEncoder.setBindGroup(0, bindGroup)
  backend.computePassEncoder.dispatchWorkgroups(...workgroups)
  if (++backend.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    backend.endComputePassEncoder()
    backend.submitQueue()
  }
}

/** A tensor, or what is bound of it. */
function partOf(given: TensorInfo | TensorPart): { readonly tensor: TensorInfo; readonly offset?: number; readonly size?: number } {
  return 'tensor' in given ? given : { tensor: given }
}

/** Of float32 and int32, the only types on the device. */
const bytesOf = ({ shape }: TensorInfo): number => 4 * util.sizeFromShape(shape)

function checkSize({ device }: WebGPUBackend, { tensor, size }: ReturnType<typeof partOf>): void {
  const bytes = bytesOf(tensor)
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
  const isBound = (size ?? bytes) <= maxStorageBufferBindingSize
  if (isBound && bytes <= maxBufferSize) return
  const limit = isBound ? maxBufferSize : Math.min(maxBufferSize, maxStorageBufferBindingSize)
  const fitting = Math.floor((limit * tensor.shape[0]!) / bytes)
  const remedy = fitting > 0 ? 'take a smaller batch' : 'only a GPU with a larger limit can compute with them'
  throw new Error(
    `a tensor of shape [${tensor.shape.join(', ')}] takes ${bytes} bytes, and this GPU takes ${limit} at once: ${fitting} of its first ${tensor.shape[0]} fit; ${remedy}`,
  )
}

/** A new tensor on the GPU whose values a dispatch is going to write in full. */
export function newTensor(backend: WebGPUBackend, shape: readonly number[]): TensorInfo {
  return backend.makeTensorInfo(shape, 'float32')
}

/** The least number of workgroups [x, y, 1], none above the limit of 65,535 of a dimension, that is at least `count`. */
export function grid(count: number): [number, number, number] {
  const y = Math.ceil(count / 65_535)
  return [Math.ceil(count / y), y, 1]
}

/**
 * Compiles programs that are new to the backend, all at the same time and without holding up the thread.
 *
 * @returns by their keys why the driver cannot compile some, which fail where they are dispatched
 */
export async function compileAhead(
  { device, pipelineCache }: WebGPUBackend,
  programs: readonly Program[],
): Promise<ReadonlyMap<string, unknown>> {
  const missing = new Map(programs.flatMap((program) => (pipelineCache[program.key] ? [] : [[program.key, program]])))
  const failed = new Map<string, unknown>()
  const compile = async (program: Program) => {
    try {
      pipelineCache[program.key] = await device.createComputePipelineAsync(descriptorOf(device, program))
    } catch (error) {
      failed.set(program.key, error)
    }
  }
  await Promise.all([...missing.values()].map(compile))
  return failed
}

/** Among those of the backend's own programs, so that whoever stands in for the backend's cache has ours as well. */
function pipelineOf({ device, pipelineCache }: WebGPUBackend, program: Program): GPUComputePipeline {
  let pipeline = pipelineCache[program.key]
  if (!pipeline) {
    pipeline = device.createComputePipeline(descriptorOf(device, program))
    pipelineCache[program.key] = pipeline
  }
  return pipeline
}

function descriptorOf(device: GPUDevice, program: Program): GPUComputePipelineDescriptor {
  const module = device.createShaderModule({ code: shader(program) })
  return { label: program.key, layout: 'auto', compute: { module, entryPoint: 'main' } }
}

/** The whole WGSL of a program. */
export function shader({ storage, uniforms = {}, workgroupSize, directives = '', code }: Program): string {
  const buffers = Object.entries(storage).map(
    ([name, { type, write }], binding) => `@group(0) @binding(${binding}) var<storage, ${write ? 'read_write' : 'read'}> ${name}: ${type};`,
  )
  const fields = Object.entries(uniforms).map(([name, type]) => `${name}: ${type},`)
  const struct =
    fields.length > 0 ? `struct Uniforms { ${fields.join(' ')} }\n@group(0) @binding(${buffers.length}) var<uniform> u: Uniforms;` : ''
  const main = code.replace('fn main(', `@compute @workgroup_size(${workgroupSize.join(', ')})\nfn main(`)
  return [directives, ...buffers, struct, main].join('\n')
}
