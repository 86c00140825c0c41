import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { reshape, type Scalar, slice, type Tensor2D, tensor2d, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core'

/** What an optimizer remembers of one parameter. */
export interface Slot {
  /** Updates so far; a parameter without a gradient in a step is not updated, as in PyTorch. */
  steps: number
  readonly tensors: { readonly [name: string]: Variable }
}

/** What an optimizer remembers, by parameter name. */
export type OptimizerState = { readonly [parameter: string]: Slot }

/** The numbers of one step: a row for each parameter, in the order of the state's keys. */
export interface StepScalars {
  /** Row by row. */
  readonly data: Float32Array
  readonly shape: [parameters: number, columns: number]
}

/** Functions with explicit state: a step is `update` with the tensor of `scalars` and a factor, then `countStep`. */
export interface Optimizer {
  init(parameters: Parameters): OptimizerState
  /** All numbers of the coming step that change from step to step. Counts nothing. */
  scalars(parameters: Parameters, state: OptimizerState, learningRate: number): StepScalars
  /**
   * Assigns new values to parameters and to the state's tensors. It neither counts nor reads a number that changes from step to step but from `scalars`
   * on the device, so that its commands can be recorded once and replayed.
   *
   * @param gradients by parameter name; parameters without one stay as they are
   * @param scalars what `scalars` gave, with one row more: it begins with the factor of the gradients ({@link factorOf}). Where that is 0, all must stay as it
   * is, whatever the gradients are
   */
  update(parameters: Parameters, gradients: NamedTensors, state: OptimizerState, scalars: Tensor2D): void
  /** Values to take in place of parameters when the training is evaluated and when it ends, by name; the caller frees them. */
  averages?(state: OptimizerState): NamedTensors
}

/** Notes that the parameters with a gradient have had one update more. */
export function countStep(gradients: NamedTensors, state: OptimizerState): void {
  for (const name of Object.keys(gradients)) state[name]!.steps++
}

/** Takes the last count back, for a step that was left out. */
export function uncountStep(reached: readonly string[], state: OptimizerState): void {
  for (const name of reached) state[name]!.steps--
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
 * The parameters that have a gradient, each with its gradient, slot and row of the scalars.
 *
 * @throws when a gradient belongs to no parameter that `init` was given
 */
export function* updates(optimizer: string, parameters: Parameters, gradients: NamedTensors, state: OptimizerState) {
  const rows = new Map(Object.keys(state).map((name, row) => [name, row]))
  for (const [name, gradient] of Object.entries(gradients)) {
    const parameter = parameters[name]
    const slot = state[name]
    if (!parameter || !slot) throw new Error(`${optimizer}: a gradient must belong to a parameter that init was given; '${name}' does not`)
    yield { parameter, gradient, slot, row: rows.get(name)! }
  }
}

/** The factor of the gradients, a scalar. */
export function factorOf(scalars: Tensor2D): Scalar {
  return reshape(slice(scalars, [scalars.shape[0] - 1, 0], [1, 1]), [])
}

/** One update of parameters and state, counted. */
export function takeStep(
  optimizer: Optimizer,
  parameters: Parameters,
  gradients: NamedTensors,
  state: OptimizerState,
  learningRate: number,
): void {
  const { data, shape } = optimizer.scalars(parameters, state, learningRate)
  const [rows, columns] = shape
  const table = new Float32Array(data.length + columns)
  table.set(data)
  table[data.length] = 1
  tidy(() => optimizer.update(parameters, gradients, state, tensor2d(table, [rows + 1, columns])))
  countStep(gradients, state)
}
