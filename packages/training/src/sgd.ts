import { add, mul, reshape, sub, tidy, unstack } from '@tensorflow/tfjs-core'
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
        const rates = unstack(reshape(scalars, [-1])) // P of []
        for (const { parameter, gradient, slot, row } of updates('sgd', parameters, gradients, state)) {
          tidy(() => {
            const { velocity } = slot.tensors
            const direction = velocity ? add(mul(velocity, momentum), gradient) : gradient
            velocity?.assign(direction)
            parameter.assign(sub(parameter, mul(direction, rates[row]!)))
          })
        }
      })
    },
  }
}
