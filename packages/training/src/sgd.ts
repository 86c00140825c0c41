import { add, mul, sub, tidy } from '@tensorflow/tfjs-core'
import { type Optimizer, updates, zeroState } from './optimizer.js'

export interface SgdOptions {
  /** Default 0. */
  readonly momentum?: number
}

/** Gradient descent with PyTorch's momentum: v <- momentum v + g, p <- p - lr v; v starts at zero. */
export function sgd({ momentum = 0 }: SgdOptions = {}): Optimizer {
  return {
    init: (parameters) => zeroState(parameters, momentum === 0 ? [] : ['velocity']),
    update(parameters, gradients, state, learningRate) {
      for (const { parameter, gradient, slot } of updates('sgd', parameters, gradients, state)) {
        slot.steps++
        tidy(() => {
          const { velocity } = slot.tensors
          velocity?.assign(add(mul(velocity, momentum), gradient))
          parameter.assign(sub(parameter, mul(velocity ?? gradient, learningRate)))
        })
      }
    },
  }
}
