import { ADAMW_COLUMNS, adamWRow, adamW as step } from '@learngene/ops'
import type { Variable } from '@tensorflow/tfjs-core'
import { describe, requireFunctions, requireKeys } from './arguments.js'
import { type Optimizer, updates, zeroState } from './optimizer.js'

export interface AdamWOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Decoupled weight decay; default 0.05. */
  readonly weightDecay?: number
  /**
   * Which parameters decay; default as timm does it: all of two dimensions and more (biases and norms do not), but for class token, distillation
   * token and position embedding, under whatever prefix.
   */
  readonly decays?: (name: string, parameter: Variable) => boolean
  /** Multiplies the learning rate of a parameter, its decay included; default 1. */
  readonly learningRateScale?: (name: string) => number
}

/** What timm's Vision Transformers exempt by name. */
const EXEMPT = new Set(['cls_token', 'dist_token', 'pos_embed'])

function decaysByDefault(name: string, { rank }: Variable): boolean {
  return rank >= 2 && !EXEMPT.has(name.slice(name.lastIndexOf('.') + 1))
}

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with PyTorch's defaults but for the weight decay of DeiT, 0.05.
 *
 * @throws when an option is unknown or out of range
 */
export function adamW(options: AdamWOptions = {}): Optimizer {
  requireKeys('adamW', options, ['beta1', 'beta2', 'epsilon', 'weightDecay', 'decays', 'learningRateScale'])
  requireFunctions('adamW', options, ['decays', 'learningRateScale'])
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.05 } = options
  const constants = { beta1, beta2, epsilon }
  for (const [name, value, rule, right] of [
    ['beta1', beta1, 'from 0 to below 1', beta1 >= 0 && beta1 < 1],
    ['beta2', beta2, 'from 0 to below 1', beta2 >= 0 && beta2 < 1],
    ['epsilon', epsilon, 'above 0', epsilon > 0],
    ['weightDecay', weightDecay, 'of at least 0', weightDecay >= 0],
  ] as const) {
    if (typeof value !== 'number' || !right) throw new Error(`adamW: ${name} must be a number ${rule}; got ${describe(value)}`)
  }
  const decays = options.decays ?? decaysByDefault
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
    update(parameters, gradients, state, table) {
      const slots = Array.from(updates('adamW', parameters, gradients, state), ({ parameter, gradient, slot, row }) => {
        const { m, v } = slot.tensors as { m: Variable; v: Variable }
        return { parameter, gradient, m, v, row }
      })
      step(slots, table, constants)
    },
  }
}
