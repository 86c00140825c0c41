import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { PixelAttributes } from '../pixels.js'
import type { WebGPUBackend } from './backend.js'
import { dispatch, grid, newTensor, type Program } from './dispatch.js'
import { type Kernels, withZeros } from './kernel-set.js'

const THREADS = 256

/** A thread takes the four pixels of a word. Scales and offsets are constants of the shader: a data set has the same ones in every step. */
function program({ scale, offset }: PixelAttributes): Program {
  const channels = scale.length
  const list = (values: readonly number[]) => values.map((value) => `f32(${Math.fround(value)})`).join(', ')
  return {
    key: `learngene normalisePixels ${scale} ${offset}`,
    storage: { words: { type: 'array<u32>' }, result: { type: 'array<f32>', write: true } },
    uniforms: { count: 'u32' },
    workgroupSize: [THREADS, 1, 1],
    code: `
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  var scale = array<f32, ${channels}>(${list(scale)});
  var offset = array<f32, ${channels}>(${list(offset)});
  let word = (group.y * groups.x + group.x) * ${THREADS}u + thread;
  for (var i = 0u; i < 4u; i++) {
    let at = 4u * word + i;
    if (at >= u.count) { return; }
    let c = at % ${channels}u;
    result[at] = f32((words[word] >> (8u * i)) & 255u) * scale[c] + offset[c];
  }
}`,
  }
}

export function pixelKernels(backend: WebGPUBackend): Kernels {
  const LearngeneNormalisePixels: KernelFunc = ({ inputs, attrs }) => {
    const attributes = attrs as unknown as PixelAttributes
    const result = newTensor(backend, attributes.shape)
    const count = util.sizeFromShape(attributes.shape)
    if (count === 0) return withZeros(backend, result)
    dispatch(backend, program(attributes), { words: inputs.packed as TensorInfo, result }, { count }, grid(Math.ceil(count / 4 / THREADS)))
    return result
  }
  return { LearngeneNormalisePixels }
}
