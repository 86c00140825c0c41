import { env, type TensorInfo } from '@tensorflow/tfjs-core'
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

/**
 * Puts one dispatch into the backend's command queue, among the others in their order. It goes through the backend's own device, queue and
 * encoder and nothing else, so that whoever records commands there records this one too.
 *
 * @param tensors one for each of the program's storage buffers; those it writes lose the copy of their values on the host
 * @param uniforms one for each of the program's uniforms
 */
export function dispatch(
  backend: WebGPUBackend,
  program: Program,
  tensors: { readonly [name: string]: TensorInfo },
  uniforms: { readonly [name: string]: number },
  workgroups: readonly [number, number, number],
): void {
  const pipeline = pipelineOf(backend, program)
  const entries: GPUBindGroupEntry[] = Object.entries(program.storage).map(([name, { write }], binding) => {
    const { dataId } = tensors[name]!
    backend.uploadToGPU(dataId)
    const data = backend.tensorMap.get(dataId)
    if (write) data.values = null
    backend.commandQueueOwnedIds.add(dataId)
    return { binding, resource: { buffer: data.resource! } }
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

/** A new tensor on the GPU whose values a dispatch is going to write in full. */
export function newTensor(backend: WebGPUBackend, shape: readonly number[]): TensorInfo {
  return backend.makeTensorInfo(shape, 'float32')
}

/** The least number of workgroups [x, y, 1], none above the limit of 65,535 of a dimension, that is at least `count`. */
export function grid(count: number): [number, number, number] {
  const y = Math.ceil(count / 65_535)
  return [Math.ceil(count / y), y, 1]
}

/** Among those of the backend's own programs, so that whoever stands in for the backend's cache has ours as well. */
function pipelineOf({ device, pipelineCache }: WebGPUBackend, program: Program): GPUComputePipeline {
  let pipeline = pipelineCache[program.key]
  if (!pipeline) {
    const module = device.createShaderModule({ code: shader(program) })
    pipeline = device.createComputePipeline({ label: program.key, layout: 'auto', compute: { module, entryPoint: 'main' } })
    pipelineCache[program.key] = pipeline
  }
  return pipeline
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
