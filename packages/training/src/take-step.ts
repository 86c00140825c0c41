import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { tensor2d, tidy } from '@tensorflow/tfjs-core'
import { countStep, type Optimizer, type OptimizerState } from './optimizer.js'

/** One update of parameters and state, counted. */
export function takeStep(
  optimizer: Optimizer,
  parameters: Parameters,
  gradients: NamedTensors,
  state: OptimizerState,
  learningRate: number,
): void {
  const { data, shape } = optimizer.scalars(parameters, state, learningRate)
  tidy(() => optimizer.update(parameters, gradients, state, tensor2d(data, shape)))
  countStep(gradients, state)
}
