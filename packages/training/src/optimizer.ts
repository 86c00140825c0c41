import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { type Tensor2D, tensor2d, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core'

/** What an optimizer remembers of one parameter. */
export interface Slot {
  /** Updates so far, those left out included; a parameter without a gradient in a step is not updated, as in PyTorch. */
  steps: number
  /** Those among them that were left out, as their gradients were too large for float16, as far as is known. */
  leftOut?: number
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

/** Functions with explicit state: a step is `update` with a table of `scalars` and factors, then `countStep`. */
export interface Optimizer {
  init(parameters: Parameters): OptimizerState
  /** All numbers of the coming step that change from step to step. Counts nothing. A slot's `steps` are here the updates that were really taken. */
  scalars(parameters: Parameters, state: OptimizerState, learningRate: number): StepScalars
  /**
   * Assigns new values to parameters and to the state's tensors. It neither counts nor reads a number that changes from step to step but from `table`
   * on the device, so that its commands can be recorded once and replayed.
   *
   * @param gradients by parameter name; parameters without one stay as they are
   * @param table [2 P, C] what `scalars` gave, then a row for each parameter that begins with the factor of its gradient (`factorOfRow` of `@learngene/ops`). Where that
   * is 0, parameter and slot must stay as they are, whatever the gradient is
   */
  update(parameters: Parameters, gradients: NamedTensors, state: OptimizerState, table: Tensor2D): void
  /** Values to take in place of parameters when the training is evaluated and when it ends, by name; the caller frees them. */
  averages?(state: OptimizerState): NamedTensors
}

/** Notes that these parameters have had one update more. */
export function countStep(reached: readonly string[], state: OptimizerState): void {
  for (const name of reached) state[name]!.steps++
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
  const table = new Float32Array(2 * data.length)
  table.set(data)
  for (let row = rows; row < 2 * rows; row++) table[row * columns] = 1
  tidy(() => optimizer.update(parameters, gradients, state, tensor2d(table, [2 * rows, columns])))
  countStep(Object.keys(gradients), state)
}
