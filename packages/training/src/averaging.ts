import type { NamedTensors } from '@learngene/interfaces/tensors'
import { averageWeights } from '@learngene/ops'
import { mul, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core'
import { describe } from './arguments.js'
import { type Optimizer, updates } from './optimizer.js'

/**
 * An exponential average of the weights (Polyak averaging; timm's ModelEma): a training evaluates it and ends with it. After each update of a parameter p its
 * average is a <- decay a + (1 - decay) p, from 0 and divided by 1 - decay^updates as Adam's moments are, so that short trainings do not remember where they began.
 *
 * @param decay below 1, such as 0.999
 */
export function averaging(optimizer: Optimizer, decay: number): Optimizer {
  if (!(decay >= 0 && decay < 1)) throw new Error(`averaging: decay must be a number from 0 to below 1; got ${describe(decay)}`)
  return {
    init(parameters) {
      const state = optimizer.init(parameters)
      const withAverage = Object.entries(state).map(([name, { steps, tensors }]) => {
        return [name, { steps, tensors: { ...tensors, average: tidy(() => variable(zerosLike(parameters[name]!))) } }] as const
      })
      return Object.fromEntries(withAverage)
    },
    scalars: optimizer.scalars,
    update(parameters, gradients, state, table) {
      optimizer.update(parameters, gradients, state, table)
      const slots = Array.from(updates('averaging', parameters, gradients, state), ({ parameter, slot, row }) => {
        return { parameter, average: slot.tensors.average as Variable, row }
      })
      averageWeights(slots, table, decay)
    },
    averages(state) {
      const averages: NamedTensors = {}
      for (const [name, { steps, leftOut = 0, tensors }] of Object.entries(state)) {
        const taken = steps - leftOut
        if (taken > 0) averages[name] = tidy(() => mul(tensors.average!, 1 / (1 - decay ** taken)))
      }
      return averages
    },
  }
}
