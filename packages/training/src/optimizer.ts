import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core'

/** What an optimizer remembers of one parameter. */
export interface Slot {
  /** Updates so far; a parameter without a gradient in a step is not updated, as in PyTorch. */
  steps: number
  readonly tensors: { readonly [name: string]: Variable }
}

/** What an optimizer remembers, by parameter name. */
export type OptimizerState = { readonly [parameter: string]: Slot }

/** A pair of functions with explicit state. `update` assigns new values to parameters and state. */
export interface Optimizer {
  init(parameters: Parameters): OptimizerState
  /** @param gradients by parameter name; parameters without one stay as they are */
  update(parameters: Parameters, gradients: NamedTensors, state: OptimizerState, learningRate: number): void
}

/** Zeros of each parameter's shape under each of the names: the state most optimizers begin with. */
export function zeroState(parameters: Parameters, names: readonly string[]): OptimizerState {
  const zeros = (parameter: Variable) => Object.fromEntries(names.map((name) => [name, tidy(() => variable(zerosLike(parameter)))]))
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, { steps: 0, tensors: zeros(parameter) }]))
}

/** Frees an optimizer's state. */
export function disposeState(state: OptimizerState): void {
  for (const { tensors } of Object.values(state)) {
    for (const tensor of Object.values(tensors)) tensor.dispose()
  }
}

/**
 * The parameters that have a gradient, each with its gradient and slot.
 *
 * @throws when a gradient belongs to no parameter that `init` was given
 */
export function* updates(optimizer: string, parameters: Parameters, gradients: NamedTensors, state: OptimizerState) {
  for (const [name, gradient] of Object.entries(gradients)) {
    const parameter = parameters[name]
    const slot = state[name]
    if (!parameter || !slot) throw new Error(`${optimizer}: a gradient must belong to a parameter that init was given; '${name}' does not`)
    yield { name, parameter, gradient, slot }
  }
}
