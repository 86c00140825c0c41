import type { NamedTensors } from '@learngene/interfaces/tensors'
import { add, greater, mul, scalar, tidy, type Variable, variable, where, zerosLike } from '@tensorflow/tfjs-core'
import { describe } from './arguments.js'
import { factorOf, type Optimizer } from './optimizer.js'

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
    update(parameters, gradients, state, scalars) {
      optimizer.update(parameters, gradients, state, scalars)
      tidy(() => {
        const applies = greater(factorOf(scalars), 0)
        const [kept, taken] = [where(applies, scalar(decay), scalar(1)), where(applies, scalar(1 - decay), scalar(0))]
        for (const name of Object.keys(gradients)) {
          const average = state[name]!.tensors.average as Variable
          tidy(() => average.assign(add(mul(average, kept), mul(parameters[name]!, taken))))
        }
      })
    },
    averages(state) {
      const averages: NamedTensors = {}
      for (const [name, { steps, tensors }] of Object.entries(state)) {
        if (steps > 0) averages[name] = tidy(() => mul(tensors.average!, 1 / (1 - decay ** steps)))
      }
      return averages
    },
  }
}
