import type { Parameters } from '@learngene/interfaces/tensors'
import { type Tensor, tensor, type Variable } from '@tensorflow/tfjs-core'
import type { OptimizerState } from './optimizer.js'

/** A tensor's values, row by row. */
export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** What an optimizer remembers of one parameter. */
export interface StoredSlot {
  readonly steps: number
  readonly leftOut?: number
  readonly tensors: { readonly [name: string]: StoredTensor }
}

/** All that a training needs to go on where it was: plain values, to be stored as the caller likes. */
export interface TrainingCheckpoint {
  /** Finished steps. */
  readonly step: number
  readonly parameters: { readonly [name: string]: StoredTensor }
  /** By parameter name. */
  readonly optimizer: {
    readonly [parameter: string]: StoredSlot
  }
  /** Of the finished steps. */
  readonly losses: Float32Array
  /** Of a training with loss scaling: the scale, and the steps taken since it changed. */
  readonly scaling?: { readonly scale: number; readonly taken: number }
  /** Of a training that is evaluated: what was measured so far, and the best parameters where they are kept. */
  readonly evaluations?: readonly StepEvaluation[]
  readonly best?: { readonly [name: string]: StoredTensor }
}

/** What was measured after so many steps, by name. */
export interface StepEvaluation {
  readonly step: number
  readonly measures: { readonly [name: string]: number }
}

/** Copies the state of a training after `step` steps. */
export async function captureTraining(
  step: number,
  parameters: Parameters,
  state: OptimizerState,
  losses: Float32Array,
  { evaluations = [], best, scaling }: Pick<TrainingCheckpoint, 'evaluations' | 'best' | 'scaling'> = {},
): Promise<TrainingCheckpoint> {
  const optimizer: { [parameter: string]: StoredSlot } = {}
  for (const [name, { steps, leftOut, tensors }] of Object.entries(state)) {
    optimizer[name] = { steps, ...(leftOut !== undefined && { leftOut }), tensors: await storeAll(tensors) }
  }
  const watched = { ...(evaluations.length > 0 && { evaluations: [...evaluations] }), ...(best && { best }), ...(scaling && { scaling }) }
  return { step, parameters: await storeAll(parameters), optimizer, losses: losses.slice(0, step), ...watched }
}

/**
 * Gives parameters, optimizer state and losses the values of a checkpoint.
 *
 * @returns the finished steps
 * @throws when names, shapes or counts are not those of this training; nothing is changed then
 */
export function restoreTraining(
  checkpoint: TrainingCheckpoint,
  parameters: Parameters,
  state: OptimizerState,
  losses: Float32Array,
): number {
  const { step } = checkpoint
  if (!Number.isInteger(step) || step < 0 || step > losses.length || checkpoint.losses.length !== step) {
    throw new Error(
      `resume: a checkpoint must hold at most ${losses.length} finished steps and a loss for each; got step ${step} and ${checkpoint.losses.length} losses`,
    )
  }
  checkNames('optimizer slots', state, checkpoint.optimizer)
  const pairs = match('parameter', 'parameters', parameters, checkpoint.parameters)
  for (const [name, slot] of Object.entries(state)) {
    pairs.push(
      ...match(`optimizer tensor of '${name}',`, `optimizer tensors of '${name}'`, slot.tensors, checkpoint.optimizer[name]!.tensors),
    )
  }
  for (const [variable, stored] of pairs) assignStored(variable, stored)
  for (const [name, slot] of Object.entries(state)) {
    const { steps, leftOut } = checkpoint.optimizer[name]!
    slot.steps = steps
    if (leftOut !== undefined) slot.leftOut = leftOut
  }
  losses.set(checkpoint.losses)
  return step
}

/** Gives a parameter stored values of its shape. */
export function assignStored(variable: Variable, { data, shape }: StoredTensor): void {
  const value = tensor(data, [...shape], 'float32')
  variable.assign(value)
  value.dispose()
}

/** The values of tensors by name. */
export async function storeAll(tensors: { readonly [name: string]: Tensor }): Promise<{ [name: string]: StoredTensor }> {
  const stored: { [name: string]: StoredTensor } = {}
  for (const [name, value] of Object.entries(tensors)) {
    stored[name] = { shape: [...value.shape], data: (await value.data<'float32'>()).slice() }
  }
  return stored
}

function match(
  one: string,
  all: string,
  variables: { readonly [name: string]: Variable },
  stored: { readonly [name: string]: StoredTensor },
): [Variable, StoredTensor][] {
  checkNames(all, variables, stored)
  return Object.entries(variables).map(([name, variable]) => {
    const { shape, data } = stored[name]!
    if (shape.join() !== variable.shape.join() || data.length !== variable.size) {
      throw new Error(
        `resume: ${one} '${name}' must have shape [${variable.shape}]; the checkpoint holds ${data.length} values of shape [${shape}]`,
      )
    }
    return [variable, stored[name]!]
  })
}

function checkNames(what: string, expected: object, stored: object): void {
  const missing = Object.keys(expected).filter((name) => !Object.hasOwn(stored, name))
  const extra = Object.keys(stored).filter((name) => !Object.hasOwn(expected, name))
  if (missing.length > 0 || extra.length > 0) {
    throw new Error(
      `resume: ${what} must have the same names as in this training; the checkpoint lacks [${missing}] and has [${extra}] besides. Resume with the model and optimizer that made it`,
    )
  }
}
