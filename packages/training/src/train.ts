import type { Reporter } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { getBackend, type Scalar, tidy, Variable } from '@tensorflow/tfjs-core'
import { ahead } from './ahead.js'
import { describe, requireFunctions, requireKeys } from './arguments.js'
import { averageOverGroup } from './average-over-group.js'
import { captureTraining, restoreTraining, type TrainingCheckpoint } from './checkpoint.js'
import { clipGradients } from './clip-gradients.js'
import { type CompiledSteps, compileSteps, type StepNumbers } from './compiled-steps.js'
import { disposeGradients, meanGradients } from './gradients.js'
import { alone, type Group } from './group.js'
import { disposeState, type Optimizer, type OptimizerState } from './optimizer.js'
import type { Schedule } from './schedule.js'
import { takeStep } from './take-step.js'

export interface TrainOptions<Batch = void> {
  /** What is trained. A parameter that a step's loss does not reach is left alone in that step. */
  readonly parameters: Parameters
  readonly steps: number
  /** Reads what the step's `batch` will need. Begins while the step before computes. */
  readonly prepare?: (step: number) => Promise<unknown> | undefined
  /** What a step's losses are computed from: images, targets, a teacher's outputs. Runs once per step under no tape; its tensors are freed after the step. */
  readonly batch?: (step: number) => Batch
  /**
   * The mean loss over this member's share of the step's batch. Runs under the tape and inside a tidy. `part` counts the accumulated parts
   * of one step. A training that is to be resumed needs a loss that depends on `step` and `part` only, not on how often it was called.
   */
  readonly loss: (step: number, part: number, batch: Batch) => Scalar
  readonly optimizer: Optimizer
  readonly learningRate: Schedule
  /** Parts of a step whose gradients are averaged before the update; default 1. */
  readonly accumulate?: number
  /** Scales the gradients down where their joint Euclidean norm exceeds this. */
  readonly clipNorm?: number
  /**
   * Promises that a step's loss depends on the batch's tensors and on this key only: not on `step` or on numbers that change on the host. Then, on the
   * webgpu backend and outside of groups, the GPU commands of a step are recorded once for each key and replayed (compileStep of
   * `@learngene/compile-step`); `batch` must then give tensors, plain values, or objects and arrays of these. `memoryLimit`: most bytes for recordings.
   */
  readonly compile?: { readonly key: (step: number) => string; readonly memoryLimit?: number }
  /** Who trains together; default alone. */
  readonly group?: Group
  readonly report?: Reporter
  /** Ends the training between two steps with the signal's reason. */
  readonly signal?: AbortSignal
  /** Hands out the state after each `every` steps, on rank 0 of the group; the training waits for `save`. */
  readonly checkpoint?: { readonly every: number; readonly save: (state: TrainingCheckpoint) => Promise<void> | void }
  /** Goes on where this state was taken, the same on every member: on the same backend with the same bits as without the interruption. */
  readonly resume?: TrainingCheckpoint
}

/**
 * The training loop of every model of the project.
 *
 * @returns the loss of each step, averaged over the group
 * @throws when a loss (or, with `clipNorm`, the gradients' norm) is not finite, naming the step; the parameters are then those before it,
 * with `compile` those of its update
 * @throws when `resume` is not of this model and optimizer, or an option is missing, unknown or of another kind; nothing is changed then
 */
export async function train<Batch = void>(options: TrainOptions<Batch>): Promise<Float32Array> {
  checkOptions(options)
  const { parameters, steps, group = alone, report, signal, checkpoint, resume } = options
  checkCount('steps', steps, 0)
  checkCount('accumulate', options.accumulate ?? 1, 1)
  checkCount('checkpoint.every', checkpoint?.every ?? 1, 1)
  await import('@learngene/ops/gradients')
  const breathe = breather()
  const prepared = ahead(options.prepare, steps)
  const state = options.optimizer.init(parameters)
  const losses = new Float32Array(steps)
  let compiled: CompiledSteps | undefined
  try {
    const first = resume ? restoreTraining(resume, parameters, state, losses) : 0
    if (options.compile && group.size === 1 && getBackend() === 'webgpu') compiled = compileSteps(options, prepared, first, state)
    for (let step = first; step < steps; step++) {
      signal?.throwIfAborted()
      if (!compiled) await prepared(step)
      losses[step] = compiled ? await compiledStep(options, compiled, step) : await trainStep(options, group, state, step)
      report?.({ kind: 'progress', done: step + 1, total: steps, metrics: { loss: losses[step]! } })
      if (checkpoint && group.rank === 0 && (step + 1) % checkpoint.every === 0) {
        await checkpoint.save(await captureTraining(step + 1, parameters, state, losses))
      }
      await breathe()
    }
    return losses
  } finally {
    compiled?.dispose()
    disposeState(state)
  }
}

const OPTIONS = [
  ...['parameters', 'steps', 'prepare', 'batch', 'loss', 'optimizer', 'learningRate', 'accumulate', 'clipNorm', 'compile'],
  ...['group', 'report', 'signal', 'checkpoint', 'resume'],
]

function checkOptions<Batch>(options: TrainOptions<Batch>): void {
  requireKeys('train', options, OPTIONS)
  const { parameters, optimizer, clipNorm } = options
  for (const name of ['loss', 'learningRate'] as const) {
    if (options[name] === undefined) throw new Error(`train: ${name} must be given; it is missing`)
  }
  requireFunctions('train', options, ['loss', 'learningRate', 'prepare', 'batch', 'report'])
  const wrong = Object.entries(parameters ?? {}).find(([, parameter]) => !(parameter instanceof Variable))
  if (wrong) throw new Error(`train: parameters must be variables by name; '${wrong[0]}' is ${describe(wrong[1])}`)
  if (Object.keys(parameters ?? {}).length === 0) {
    throw new Error(`train: there must be at least one parameter to train; got ${describe(parameters)}`)
  }
  if (typeof optimizer?.update !== 'function') {
    throw new Error(`train: optimizer must be one, for example adamW(); got ${describe(optimizer)}`)
  }
  if (clipNorm !== undefined && !(clipNorm > 0)) throw new Error(`train: clipNorm must be a number above 0; got ${describe(clipNorm)}`)
}

/** One update of parameters and state. Returns the loss before it, averaged over the group. */
async function trainStep<Batch>(options: TrainOptions<Batch>, group: Group, state: OptimizerState, step: number): Promise<number> {
  const { parameters, optimizer, learningRate, accumulate = 1, clipNorm } = options
  const current = tidy(() => {
    const batch = options.batch?.(step) as Batch
    return meanGradients(parameters, accumulate, (part) => options.loss(step, part, batch))
  })
  try {
    const loss = await averageOverGroup(group, current)
    checkFinite(options, step, { loss })
    if (clipNorm !== undefined) {
      const joint = clipGradients(current.gradients, clipNorm)
      const [norm] = await joint.data<'float32'>()
      joint.dispose()
      checkFinite(options, step, { loss, norm })
    }
    takeStep(optimizer, parameters, current.gradients, state, learningRate(step))
    return loss
  } finally {
    disposeGradients(current)
  }
}

async function compiledStep<Batch>(options: TrainOptions<Batch>, compiled: CompiledSteps, step: number): Promise<number> {
  const numbers = await compiled.run(step)
  checkFinite(options, step, numbers)
  return numbers.loss
}

function checkFinite<Batch>({ steps, learningRate }: TrainOptions<Batch>, step: number, { loss, norm = 0 }: StepNumbers): void {
  for (const [what, value] of [
    ['loss', loss],
    ["gradients' norm", norm],
  ] as const) {
    if (Number.isFinite(value)) continue
    throw new Error(
      `train: the ${what} must stay finite; step ${step} of ${steps} gave ${value} at learning rate ${learningRate(step)}. Lower the learning rate or clip gradients`,
    )
  }
}

function checkCount(name: string, count: number, least: number): void {
  if (!Number.isInteger(count) || count < least) throw new Error(`train: ${name} must be an integer of at least ${least}; got ${count}`)
}

/** Lets timers, input and signals have their turn, at most every 50 ms: backends that compute at once never yield by themselves. */
function breather(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < 50) return
    await new Promise((resolve) => setTimeout(resolve, 0))
    last = performance.now()
  }
}
