import { type KernelFunc, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { KernelName } from '../kernels.js'
import type { WebGPUBackend } from './backend.js'
import { dispatch, grid, newTensor, type Program } from './dispatch.js'

export type Inputs = { readonly [name: string]: TensorInfo }
export type Run = (inputs: Inputs, attributes: NamedAttrMap) => TensorInfo[]
export type Kernels = { readonly [name in KernelName]?: KernelFunc }

/**
 * As TensorFlow.js's registry wants them; they refuse tensors that are not float32.
 *
 * @param isOwn tells tensors of the kernels' own making, which they take as they are
 */
export function kernelSet(
  backend: WebGPUBackend,
  runs: { readonly [name in KernelName]?: Run },
  isOwn: (tensor: TensorInfo) => boolean = () => false,
): Kernels {
  return Object.fromEntries(
    Object.entries(runs).map(([name, run]): [string, KernelFunc] => {
      return [name, ({ inputs, attrs }) => withFloats(backend, inputs as Inputs, isOwn, (floats) => run(floats, attrs ?? {}))]
    }),
  )
}

/** Gives a tensor that no dispatch writes, since there is nothing to compute it from, its values. */
export function withZeros(backend: WebGPUBackend, tensor: TensorInfo): TensorInfo {
  backend.tensorMap.get(tensor.dataId).values = new Float32Array(util.sizeFromShape(tensor.shape))
  return tensor
}

/**
 * Runs a kernel on inputs whose buffers hold float32. TensorFlow.js casts whole numbers to float32 by calling them so: the buffer still holds
 * int32, and the backend alone knows.
 */
function withFloats(
  backend: WebGPUBackend,
  inputs: Inputs,
  isOwn: (tensor: TensorInfo) => boolean,
  run: (floats: Inputs) => TensorInfo[],
): TensorInfo[] {
  const converted: TensorInfo[] = []
  const floats = Object.entries(inputs).map(([name, tensor]): [string, TensorInfo] => {
    if (isOwn(tensor)) return [name, tensor]
    if (tensor.dtype !== 'float32') throw new Error(`the webgpu kernels take float32 tensors, got ${tensor.dtype}`)
    const count = util.sizeFromShape(tensor.shape)
    if (backend.tensorMap.get(tensor.dataId).dtype === 'float32' || count === 0) return [name, tensor]
    const result = newTensor(backend, tensor.shape)
    dispatch(backend, CONVERT_PROGRAM, { source: tensor, result }, { count }, grid(Math.ceil(count / CONVERT_THREADS)))
    converted.push(result)
    return [name, result]
  })
  const outputs = run(Object.fromEntries(floats))
  for (const { dataId } of converted) backend.disposeData(dataId)
  return outputs
}

const CONVERT_THREADS = 256

const CONVERT_PROGRAM: Program = {
  key: 'learngene int32 to float32',
  storage: { source: { type: 'array<i32>' }, result: { type: 'array<f32>', write: true } },
  uniforms: { count: 'u32' },
  workgroupSize: [CONVERT_THREADS, 1, 1],
  code: `
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let at = (group.y * groups.x + group.x) * ${CONVERT_THREADS}u + thread;
  if (at < u.count) { result[at] = f32(source[at]); }
}`,
}
