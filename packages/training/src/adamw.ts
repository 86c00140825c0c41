import { ADAMW_COLUMNS, adamWRow, adamW as step } from '@learngene/ops'
import type { Variable } from '@tensorflow/tfjs-core'
import { type Optimizer, updates, zeroState } from './optimizer.js'

export interface AdamWOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Decoupled weight decay; default 0.05. */
  readonly weightDecay?: number
  /** Which parameters decay; default all of two dimensions and more, as timm does it (biases and norms do not). */
  readonly decays?: (name: string, parameter: Variable) => boolean
  /** Multiplies the learning rate of a parameter, its decay included; default 1. */
  readonly learningRateScale?: (name: string) => number
}

/** AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with PyTorch's defaults but for the weight decay of DeiT, 0.05. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.05 } = options
  const constants = { beta1, beta2, epsilon }
  const decays = options.decays ?? ((_, parameter) => parameter.rank >= 2)
  const scale = options.learningRateScale ?? (() => 1)
  return {
    init: (parameters) => zeroState(parameters, ['m', 'v']),
    scalars(parameters, state, learningRate) {
      const rows = Object.entries(state).map(([name, { steps }]) => {
        const decay = decays(name, parameters[name]!) ? weightDecay : 0
        return adamWRow({ learningRate: learningRate * scale(name), weightDecay: decay, step: steps + 1 }, constants)
      })
      return { data: Float32Array.from(rows.flat()), shape: [rows.length, ADAMW_COLUMNS] }
    },
    update(parameters, gradients, state, scalars) {
      const slots = Array.from(updates('adamW', parameters, gradients, state), ({ parameter, gradient, slot, row }) => {
        const { m, v } = slot.tensors as { m: Variable; v: Variable }
        return { parameter, gradient, m, v, row }
      })
      step(slots, scalars, constants)
    },
  }
}
