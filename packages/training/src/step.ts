import type { Parameters } from '@learngene/interfaces/tensors'
import { tidy } from '@tensorflow/tfjs-core'
import { averageOverGroup, clipGradients, disposeGradients, type LossTerms, type LossValues, meanGradients } from './gradients.js'
import type { Group } from './group.js'
import { type Optimizer, type OptimizerState, takeStep } from './optimizer.js'
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
}

/** The numbers of a step that is not finite anywhere. */
export interface StepNumbers {
  readonly values: LossValues
  /** The gradients' joint norm, with `clipNorm`. */
  readonly norm?: number
}

/** A step's batch where nothing else is asked for: what was prepared. */
export function batchOf<Prepared, Batch>({ batch }: StepOptions<Prepared, Batch>, step: number, prepared: Prepared): Batch {
  return batch ? batch(step, prepared) : (prepared as unknown as Batch)
}

/** One update of parameters and state. Returns the loss before it, averaged over the group. @throws when it is not finite; nothing is changed then */
export async function trainStep<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  group: Group,
  state: OptimizerState,
  step: number,
  prepared: Prepared,
): Promise<LossValues> {
  const { parameters, optimizer, learningRate, accumulate = 1, clipNorm } = options
  const current = tidy(() => {
    const batch = batchOf(options, step, prepared)
    const { loss, terms, gradients } = meanGradients(parameters, accumulate, (part) => options.loss(step, part, batch))
    return { loss, gradients, terms }
  })
  try {
    const values = await averageOverGroup(group, current)
    requireFinite(options, step, { values })
    if (clipNorm !== undefined) {
      const joint = clipGradients(current.gradients, clipNorm)
      const [norm] = await joint.data<'float32'>()
      joint.dispose()
      requireFinite(options, step, { values, norm })
    }
    takeStep(optimizer, parameters, current.gradients, state, learningRate(step))
    return values
  } finally {
    disposeGradients(current)
  }
}

/** @throws when a step's numbers are not finite, naming the step */
export function requireFinite<Prepared, Batch>(
  { steps, learningRate }: StepOptions<Prepared, Batch>,
  step: number,
  { values, norm = 0 }: StepNumbers,
): void {
  for (const [what, value] of [
    ['loss', values.loss],
    ["gradients' norm", norm],
  ] as const) {
    if (Number.isFinite(value)) continue
    throw new Error(
      `train: the ${what} must stay finite; step ${step} of ${steps} gave ${value} at learning rate ${learningRate(step)}. Lower the learning rate or clip gradients`,
    )
  }
}
