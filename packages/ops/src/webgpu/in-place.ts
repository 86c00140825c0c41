import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { TensorData, WebGPUBackend } from './backend.js'
import { dispatch, grid, newTensor, type Program } from './dispatch.js'

/** The tensor itself where it alone has its buffer, else a copy in a buffer of its own: clones of a variable share its buffer. */
export function writable(backend: WebGPUBackend, source: TensorInfo): TensorInfo {
  const data = backend.tensorMap.get(source.dataId)
  if (data.refCount === 1) {
    backend.incRef(source.dataId)
    keepOffHost(data)
    return { dataId: source.dataId, shape: source.shape, dtype: source.dtype }
  }
  const result = newTensor(backend, source.shape)
  const count = util.sizeFromShape(source.shape)
  if (count > 0) dispatch(backend, COPY_PROGRAM, { source, result }, { count }, grid(Math.ceil(count / GROUP_VALUES)))
  keepOffHost(backend.tensorMap.get(result.dataId))
  return result
}

/**
 * Keeps the backend from remembering on the host what was read of this tensor: a read that began before a step and ends after it would bring
 * values of before.
 */
function keepOffHost(data: TensorData): void {
  if (data.resource == null || Object.getOwnPropertyDescriptor(data, 'values')?.get) return
  Object.defineProperty(data, 'values', { configurable: true, enumerable: true, get: () => null, set: () => {} })
}

const THREADS = 256
const PER_THREAD = 4
const GROUP_VALUES = THREADS * PER_THREAD

const COPY_PROGRAM: Program = {
  key: 'learngene copy',
  storage: { source: { type: 'array<f32>' }, result: { type: 'array<f32>', write: true } },
  uniforms: { count: 'u32' },
  workgroupSize: [THREADS, 1, 1],
  code: `
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.y * groups.x + group.x;
  for (var k = 0u; k < ${PER_THREAD}u; k++) {
    let at = index * ${GROUP_VALUES}u + k * ${THREADS}u + thread;
    if (at < u.count) { result[at] = source[at]; }
  }
}`,
}
