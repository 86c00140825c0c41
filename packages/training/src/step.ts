import type { CompileProgress } from '@learngene/compile-step'
import type { Readings } from '@learngene/compile-step/readings'
import type { Parameters } from '@learngene/interfaces/tensors'
import { GUARD_NUMBERS, guardStep } from '@learngene/ops'
import { reshape, type Scalar, slice, type Tensor1D, type Tensor2D, tensor2d, tidy, type Variable } from '@tensorflow/tfjs-core'
import {
  averageOverGroup,
  disposeGradients,
  type LossAndGradients,
  type LossTerms,
  type LossValues,
  lossValues,
  meanGradients,
} from './gradients.js'
import type { Group } from './group.js'
import { countStep, type Optimizer, type OptimizerState } from './optimizer.js'
import type { Schedule } from './schedule.js'

/** What one step of a training does. */
export interface StepOptions<Prepared = void, Batch = Prepared> {
  /** What is trained. A parameter that a step's loss does not reach is left alone in that step. */
  readonly parameters: Parameters
  readonly steps: number
  /** What a step's losses are computed from: images, targets, a teacher's outputs; default what was prepared. Runs once per step under no tape; its tensors are freed after the step. */
  readonly batch?: (step: number, prepared: Prepared) => Batch
  /**
   * The mean loss over this member's share of the step's batch, or its terms by name. Runs under the tape and inside a tidy. `part` counts the accumulated
   * parts of one step. A training that is to be resumed needs a loss that depends on `step` and `part` only, not on how often it was called.
   */
  readonly loss: (step: number, part: number, batch: Batch) => LossTerms
  readonly optimizer: Optimizer
  readonly learningRate: Schedule
  /** Parts of a step whose gradients are averaged before the update; default 1. */
  readonly accumulate?: number
  /** Scales the gradients down where their joint Euclidean norm exceeds this. */
  readonly clipNorm?: number
  /**
   * Trains the loss times a scale, so that small gradients do not vanish where parts of the backward pass are in float16; the update takes it out again. A step
   * whose gradients are not finite is left out and halves the scale, on the device. Default none, with precision `mixed` its own defaults.
   */
  readonly lossScaling?: LossScaling
}

/** A dynamic scale of the loss. */
export interface LossScaling {
  /** The first one; default 2^15. */
  readonly scale?: number
  /** Steps in a row without an overflow after which it doubles; default 2000. */
  readonly doubleAfter?: number
}

/** Steps in a row after which a scale doubles (PyTorch's GradScaler). */
const DOUBLE_AFTER = 2000

/** What the steps of one training share. */
export interface StepContext {
  readonly group: Group
  readonly state: OptimizerState
  /** Of `guardState`. */
  readonly guard: Variable
  /** Steps that were given to the device and whose numbers have not been asked for, the latest last; never more than `stepsAhead`. */
  readonly pending: readonly IssuedStep[]
  readonly stepsAhead: number
  readonly readings: Readings
  /** Hears how many GPU programs are compiled, of how many. */
  readonly compiling: CompileProgress
}

/** A step that was given to the device, and whose numbers come when they come. */
export interface IssuedStep {
  readonly step: number
  /** Names of the loss's terms. */
  readonly terms: readonly string[]
  /** Names of the parameters that it updates. */
  readonly reached: readonly string[]
  /** Of `guardStep`. */
  readonly numbers: Promise<ArrayLike<number>>
}

/** A step's batch where nothing else is asked for: what was prepared. */
export function batchOf<Prepared, Batch>({ batch }: StepOptions<Prepared, Batch>, step: number, prepared: Prepared): Batch {
  return batch ? batch(step, prepared) : (prepared as unknown as Batch)
}

/** What the loss is multiplied by; undefined where it is not. */
export function scaleOf<Prepared, Batch>({ lossScaling }: StepOptions<Prepared, Batch>, { guard }: StepContext): Scalar | undefined {
  return lossScaling && reshape(slice(guard, [1], [1]), [])
}

/** The sets of numbers that a step is given: where the scale of the loss may leave steps out, one for all that can have become of those that nobody has asked for yet. */
const setsOf = <Prepared, Batch>({ lossScaling }: StepOptions<Prepared, Batch>, { stepsAhead }: StepContext) =>
  lossScaling ? 2 ** stepsAhead : 1

/** The numbers of a step, on the host: as many sets as `guardStep` chooses from. */
export function scalarsOf<Prepared, Batch>(options: StepOptions<Prepared, Batch>, context: StepContext, step: number): Tensor2D {
  const { optimizer, parameters, learningRate } = options
  const rate = learningRate(step)
  const sets = Array.from({ length: setsOf(options, context) }, (_, leftOut) =>
    optimizer.scalars(parameters, taken(context, leftOut), rate),
  )
  const [rows, columns] = sets[0]!.shape
  const data = new Float32Array(sets.length * rows * columns)
  for (const [i, set] of sets.entries()) data.set(set.data, i * rows * columns)
  return tensor2d(data, [sets.length * rows, columns])
}

/** The state, counting what was really taken. @param leftOut which of the pending steps were not, as bits, the latest step's the lowest */
function taken({ state, pending }: StepContext, leftOut: number): OptimizerState {
  const gone = pending.toReversed().flatMap(({ reached }, age) => ((leftOut >> age) & 1 ? [new Set(reached)] : []))
  if (gone.length === 0 && Object.values(state).every((slot) => !slot.leftOut)) return state
  return Object.fromEntries(
    Object.entries(state).map(([name, slot]) => {
      const missed = gone.reduce((count, reached) => count + (reached.has(name) ? 1 : 0), slot.leftOut ?? 0)
      return [name, { ...slot, steps: slot.steps - missed }]
    }),
  )
}

/**
 * Updates parameters and state on the device, or leaves all as it is where something is not finite.
 *
 * @param reached [P]: 0 for parameters whose gradients are none, in the state's order; default 1 for all
 * @returns the numbers of `guardStep`
 */
export function update<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  context: StepContext,
  { loss, gradients }: LossAndGradients,
  scalars: Tensor2D,
  reached?: Tensor1D,
): Tensor1D {
  const { parameters, optimizer, clipNorm, lossScaling } = options
  const { state, guard } = context
  return tidy(() => {
    const { table, numbers } = guardStep(loss, Object.values(gradients), scalars, guard, {
      clipNorm,
      reached,
      sets: setsOf(options, context),
      ...(lossScaling && { doubleAfter: lossScaling.doubleAfter ?? DOUBLE_AFTER }),
    })
    optimizer.update(parameters, gradients, state, table)
    return numbers
  })
}

/** Begins to read; a reading that fails when nobody waits any more is nobody's error. */
export function readLater(readings: Readings, numbers: Tensor1D): Promise<ArrayLike<number>> {
  const values = readings.read(numbers)
  values.catch(() => {})
  return values
}

/** One update of parameters and state by the loss's mean over the group. */
export async function issueStep<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  context: StepContext,
  step: number,
  prepared: Prepared,
): Promise<IssuedStep> {
  const { parameters, accumulate = 1 } = options
  const { group, state, readings } = context
  const current = tidy(() => {
    const batch = batchOf(options, step, prepared)
    return { ...meanGradients(parameters, accumulate, (part) => options.loss(step, part, batch), { scale: scaleOf(options, context) }) }
  })
  try {
    if (group.size > 1) await averageOverGroup(group, current, readings.read)
    // What was computed on buffers that there was no memory for must not reach the parameters.
    await readings.settle()
    const scalars = scalarsOf(options, context, step)
    const numbers = update(options, context, current, scalars)
    const reached = Object.keys(current.gradients)
    countStep(reached, state)
    const issued = { step, terms: current.terms, reached, numbers: readLater(readings, numbers) }
    scalars.dispose()
    numbers.dispose()
    return issued
  } finally {
    disposeGradients(current)
  }
}

/** What a step's loss was. @throws when it or the gradients' norm is not finite, naming the step and that the parameters are those before it */
export async function valuesOf<Prepared, Batch>(
  { steps, learningRate, lossScaling }: StepOptions<Prepared, Batch>,
  { state }: StepContext,
  { step, terms, reached, numbers }: IssuedStep,
): Promise<LossValues> {
  const read = Array.from(await numbers)
  const values = lossValues(read.slice(GUARD_NUMBERS), terms)
  const [leftOut, norm, scale] = read
  if (leftOut === 0) return lossScaling ? { ...values, lossScale: scale! } : values
  if (lossScaling && Number.isFinite(values.loss) && scale! > 1) {
    for (const name of reached) state[name]!.leftOut = (state[name]!.leftOut ?? 0) + 1
    return { ...values, lossScale: scale! }
  }
  const [what, value] = Number.isFinite(values.loss) ? ["gradients' norm", norm] : ['loss', values.loss]
  const left = step === 0 ? 'as they were before it' : `those after step ${step - 1}, the last good one`
  throw new Error(
    `train: the ${what} must stay finite; step ${step} of ${steps} gave ${value} at learning rate ${learningRate(step)}. The parameters are ${left}. Lower the learning rate or clip gradients`,
  )
}
