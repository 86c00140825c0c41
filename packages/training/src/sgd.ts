import { factorOfRow, guarded } from '@learngene/ops'
import { add, greater, mul, reshape, scalar, slice, sub, tidy, where } from '@tensorflow/tfjs-core'
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
    update(parameters, gradients, state, table) {
      for (const { parameter, gradient, slot, row } of updates('sgd', parameters, gradients, state)) {
        tidy(() => {
          const factor = factorOfRow(table, row)
          const applies = greater(factor, 0)
          const rate = where(applies, reshape(slice(table, [row, 0], [1, 1]), []), scalar(0))
          const next = guarded(gradient, factor)
          const { velocity } = slot.tensors
          const direction = velocity ? add(mul(velocity, where(applies, scalar(momentum), scalar(1))), next) : next
          velocity?.assign(direction)
          parameter.assign(sub(parameter, mul(direction, rate)))
        })
      }
    },
  }
}
