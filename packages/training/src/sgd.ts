import { guarded } from '@learngene/ops'
import { add, greater, mul, reshape, scalar, sub, tidy, unstack, where } from '@tensorflow/tfjs-core'
import { describe, requireKeys } from './arguments.js'
import { type Optimizer, updates, zeroState } from './optimizer.js'

export interface SgdOptions {
  /** Default 0. */
  readonly momentum?: number
}

/** Gradient descent with PyTorch's momentum: v <- momentum v + g, p <- p - lr v; v starts at zero. @throws when an option is unknown or out of range */
export function sgd(options: SgdOptions = {}): Optimizer {
  requireKeys('sgd', options, ['momentum'])
  const { momentum = 0 } = options
  if (!(momentum >= 0 && momentum < 1)) throw new Error(`sgd: momentum must be a number from 0 to below 1; got ${describe(momentum)}`)
  return {
    init: (parameters) => zeroState(parameters, momentum === 0 ? [] : ['velocity']),
    scalars(_, state, learningRate) {
      const rows = Object.keys(state).length
      return { data: new Float32Array(rows).fill(learningRate), shape: [rows, 1] }
    },
    update(parameters, gradients, state, scalars) {
      tidy(() => {
        const rates = unstack(reshape(scalars, [-1])) // P + 1 of []
        const factor = rates.at(-1)!
        const applies = greater(factor, 0)
        const rate = (row: number) => where(applies, rates[row]!, scalar(0))
        const kept = where(applies, scalar(momentum), scalar(1))
        for (const { parameter, gradient, slot, row } of updates('sgd', parameters, gradients, state)) {
          tidy(() => {
            const { velocity } = slot.tensors
            const next = guarded(gradient, factor)
            const direction = velocity ? add(mul(velocity, kept), next) : next
            velocity?.assign(direction)
            parameter.assign(sub(parameter, mul(direction, rate(row))))
          })
        }
      })
    },
  }
}
