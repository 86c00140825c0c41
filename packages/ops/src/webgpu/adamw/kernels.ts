import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { AdamWConstants } from '../../adamw.js'
import type { TensorData, WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Inputs, type Kernels, kernelSet } from '../kernel-set.js'
import { adamWProgram, COPY_PROGRAM, GROUP_VALUES } from './programs.js'

/** Storage buffers of a parameter: itself, its gradient and two moments. */
const BUFFERS = 4

const STATE = ['parameter', 'm', 'v'] as const

export function adamWKernels(backend: WebGPUBackend): Kernels {
  const perDispatch = Math.floor((backend.device.limits.maxStorageBuffersPerShaderStage - 1) / BUFFERS)
  return kernelSet(backend, {
    LearngeneAdamWSlots(inputs, attributes) {
      const { rows, beta1, beta2, epsilon } = attributes as unknown as AdamWConstants & { rows: number[] }
      const results = rows.map((_, i) => STATE.map((name) => writable(backend, inputs[`${name}${i}`]!)))
      const slots = rows.map((row, i) => ({ row, gradient: inputs[`gradient${i}`]!, state: results[i]!, count: sizeOf(results[i]![0]!) }))
      const constants = { beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, epsilon }
      const filled = slots.filter(({ count }) => count > 0)
      for (let first = 0; first < filled.length; first += perDispatch) {
        const tensors: { [name: string]: TensorInfo } = { scalars: inputs.scalars! }
        const uniforms: { [name: string]: number } = { ...constants }
        let end = 0
        const taken = filled.slice(first, first + perDispatch)
        for (const [i, { row, gradient, state, count }] of taken.entries()) {
          end += groupsOf(count)
          Object.assign(uniforms, { [`row${i}`]: row, [`count${i}`]: count, [`end${i}`]: end })
          for (const [k, name] of STATE.entries()) tensors[`${name}${i}`] = state[k]!
          tensors[`gradient${i}`] = gradient
        }
        dispatch(backend, adamWProgram(taken.length), tensors, uniforms, grid(end))
      }
      return results.flat()
    },
  })
}

/** The tensor itself where it alone has its buffer, else a copy in a buffer of its own: clones of a variable share its buffer. */
function writable(backend: WebGPUBackend, source: Inputs[string]): TensorInfo {
  const data = backend.tensorMap.get(source.dataId)
  if (data.refCount === 1) {
    backend.incRef(source.dataId)
    keepOffHost(data)
    return { dataId: source.dataId, shape: source.shape, dtype: source.dtype }
  }
  const result = newTensor(backend, source.shape)
  const count = sizeOf(source)
  if (count > 0) dispatch(backend, COPY_PROGRAM, { source, result }, { count }, grid(groupsOf(count)))
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

const groupsOf = (count: number) => Math.ceil(count / GROUP_VALUES)

const sizeOf = ({ shape }: TensorInfo) => util.sizeFromShape(shape)
