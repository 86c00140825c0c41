import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { AdamWConstants } from '../../adamw.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid } from '../dispatch.js'
import { writable } from '../in-place.js'
import { type Kernels, kernelSet } from '../kernel-set.js'
import { adamWProgram, GROUP_VALUES } from './programs.js'

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
      const constants = { beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, epsilon, last: inputs.scalars!.shape[0]! - 1 }
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

const groupsOf = (count: number) => Math.ceil(count / GROUP_VALUES)

const sizeOf = ({ shape }: TensorInfo) => util.sizeFromShape(shape)
