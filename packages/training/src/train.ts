import { createReadings } from '@learngene/compile-step/readings'
import type { Reporter } from '@learngene/interfaces'
import { getPrecision, guardState, isLossScaled, requireMixed, setPrecision } from '@learngene/ops'
import { dispose, getBackend, Variable } from '@tensorflow/tfjs-core'
import { ahead } from './ahead.js'
import { describe, requireFunctions, requireKeys } from './arguments.js'
import { captureTraining, restoreTraining, type TrainingCheckpoint } from './checkpoint.js'
import type { CompiledSteps, CompileOptions } from './compiled-steps.js'
import { type EvaluationOptions, requireEvaluation, watch } from './evaluation.js'
import { alone, type Group } from './group.js'
import { disposeState } from './optimizer.js'
import { type IssuedStep, issueStep, type LossScaling, type StepContext, type StepOptions, valuesOf } from './step.js'

/** What a training does besides its steps; every training of the project takes it. */
export interface TrainingControl {
  /** Who trains together; default alone. */
  readonly group?: Group
  readonly report?: Reporter
  /** Ends the training between two steps with the signal's reason. */
  readonly signal?: AbortSignal
  /**
   * Hands out the state after each `every` steps, or at the first step's end after `seconds` have passed since the last time, on rank 0 of the group; the
   * training waits for `save`.
   */
  readonly checkpoint?: {
    readonly every?: number
    readonly seconds?: number
    readonly save: (state: TrainingCheckpoint) => Promise<void> | void
  }
  /** Goes on where this state was taken, the same on every member: on the same backend with the same bits as without the interruption. */
  readonly resume?: TrainingCheckpoint
}

export interface TrainOptions<Prepared = void, Batch = Prepared> extends StepOptions<Prepared, Batch>, TrainingControl {
  /** Makes what a step's `batch` is made of, such as images that are read from files. Begins while the step before computes; its tensors are freed after the step. */
  readonly prepare?: (step: number) => Promise<Prepared>
  /**
   * Promises that a step's loss depends on the batch's tensors and on this key only: not on `step` or on numbers that change on the host. Then, on the
   * webgpu backend, the GPU commands of a step are recorded once for each key and replayed (compileStep of `@learngene/compile-step`), in groups those of
   * the gradients and those of the update; on tensorflow, outside of groups and without `partKey`, a step becomes a graph. `batch` must then give tensors, plain values, or objects and arrays
   * of these.
   */
  readonly compile?: CompileOptions
  readonly evaluate?: EvaluationOptions
  /**
   * `mixed`: matrix products of float16 factors, all else in float32, and the loss scaled; needs webgpu on a GPU with matrix units for float16. `float32`: all of it.
   * Default what `setPrecision` of `@learngene/ops` says.
   */
  readonly precision?: TrainingPrecision
}

export type TrainingPrecision = 'float32' | 'mixed'

/** Steps that are given to a GPU before the numbers of the first of them are awaited. */
const STEPS_AHEAD = 3

/**
 * The training loop of every model of the project. On the webgpu backend the loss of a step is read, and reported, up to three steps late, so that
 * the device never waits for the host; evaluations and checkpoints come when all losses before them are there.
 *
 * @returns the loss of each step, averaged over the group; fewer than `steps` where `evaluate` ended it early
 * @throws when a loss or the gradients' norm is not finite, naming the step; the parameters are then those before it: the device leaves that step and
 * all later ones out
 * @throws when `resume` is not of this model and optimizer, or an option is missing, unknown or of another kind; nothing is changed then
 */
export async function train<Prepared = void, Batch = Prepared>(options: TrainOptions<Prepared, Batch>): Promise<Float32Array> {
  checkOptions(options)
  const { precision } = options
  if (precision === undefined) return trainSteps(options)
  if (precision === 'mixed') requireMixed('train')
  const before = { precision: getPrecision(), lossScaled: isLossScaled() }
  setPrecision(precision === 'mixed' ? 'mixed' : 'f32', { lossScaled: precision === 'mixed' })
  try {
    return await trainSteps(precision === 'mixed' ? { lossScaling: {}, ...options } : options)
  } finally {
    setPrecision(before.precision, before)
  }
}

/** The first scale of a loss: half of what float16 holds, and less than PyTorch begins with. */
const FIRST_SCALE = 2 ** 15

async function trainSteps<Prepared, Batch>(options: TrainOptions<Prepared, Batch>): Promise<Float32Array> {
  const { parameters, steps, optimizer, group = alone, report, signal, resume } = options
  await import('@learngene/ops/gradients')
  const breathe = breather()
  const prepared = ahead(options.prepare, steps)
  const { scale = FIRST_SCALE } = options.lossScaling ?? {}
  const scaling = options.lossScaling && (resume?.scaling ?? { scale, taken: 0 })
  const guard = guardState(scaling?.scale, scaling?.taken)
  const issued: IssuedStep[] = []
  const onGPU = getBackend() === 'webgpu'
  const stepsAhead = onGPU && group.size === 1 ? STEPS_AHEAD : 0
  const context: StepContext = {
    group,
    state: optimizer.init(parameters),
    guard,
    pending: issued,
    stepsAhead,
    readings: createReadings(group.size === 1 ? STEPS_AHEAD + 1 : 1),
    compiling: tellCompiling(report),
  }
  const { state } = context
  const losses = new Float32Array(steps)
  let compiled: CompiledSteps | undefined
  try {
    const first = resume ? restoreTraining(resume, parameters, state, losses) : 0
    const watched = watch(options.evaluate, { optimizer, parameters, steps, state }, resume)
    const saver = saves(options, async (step) => {
      const { evaluations, best } = watched
      const [, scale, taken] = await guard.data()
      const more = { evaluations, best, ...(scaling && { scaling: { scale: scale!, taken: taken! } }) }
      return captureTraining(step, parameters, state, losses, more)
    })
    const { compile } = options
    // A graph of TensorFlow takes seconds to begin with, which parts that come seldom would not bring back.
    const records = onGPU ? group.size === 1 || !compile?.partKey : getBackend() === 'tensorflow' && group.size === 1 && !compile?.partKey
    const recordable = compile && records
    if (recordable) {
      const { compileSteps } = await import('./compiled-steps.js')
      compiled = compileSteps(options, compile, prepared.next, context)
    }
    const settle = async (oldest: IssuedStep) => {
      const { step } = oldest
      const values = await valuesOf(options, context, oldest)
      losses[step] = values.loss
      const measures = await watched.after(step)
      report?.({ kind: 'progress', done: step + 1, total: steps, metrics: { ...values, ...measures } })
    }
    const issue = async (step: number) => {
      try {
        return compiled ? await compiled.run(step) : await plainStep(options, context, step, prepared)
      } catch (error) {
        // What one of the steps before has ended with came first.
        for (const { numbers } of issued) await numbers
        throw error
      }
    }
    let finished = first
    while (finished < steps && !watched.ended()) {
      signal?.throwIfAborted()
      issued.push(await issue(finished))
      finished++
      const saving = saver.isDue(finished)
      const left = saving || watched.isDue(finished) || finished === steps ? 0 : stepsAhead
      while (issued.length > left) await settle(issued.shift()!)
      if (saving) await saver.save(finished)
      await breathe()
    }
    watched.finish()
    return finished === steps ? losses : losses.slice(0, finished)
  } catch (error) {
    if (!signal?.aborted) await context.readings.drain()
    throw error
  } finally {
    prepared.dispose()
    compiled?.dispose()
    context.readings.dispose()
    context.guard.dispose()
    disposeState(state)
  }
}

const OPTIONS = [
  ...['parameters', 'steps', 'prepare', 'batch', 'loss', 'optimizer', 'learningRate', 'accumulate', 'clipNorm', 'compile', 'evaluate'],
  ...['precision', 'lossScaling'],
  ...['group', 'report', 'signal', 'checkpoint', 'resume'],
]

function checkOptions<Prepared, Batch>(options: TrainOptions<Prepared, Batch>): void {
  requireKeys('train', options, OPTIONS)
  const { parameters, optimizer, clipNorm, checkpoint } = options
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
  const { precision = 'float32', lossScaling } = options
  if (precision !== 'float32' && precision !== 'mixed') {
    throw new Error(`train: precision must be 'float32' or 'mixed'; got ${describe(precision)}`)
  }
  if (lossScaling) checkScaling(lossScaling)
  checkCount('steps', options.steps, 0)
  checkCount('accumulate', options.accumulate ?? 1, 1)
  if (options.evaluate) requireEvaluation(options.evaluate)
  if (!checkpoint) return
  requireKeys('checkpoint', checkpoint, ['every', 'seconds', 'save'])
  checkCount('checkpoint.every', checkpoint.every ?? 1, 1)
  const { every, seconds, save } = checkpoint
  if (every === undefined && !(typeof seconds === 'number' && seconds >= 0)) {
    throw new Error(`train: checkpoint needs 'every', steps, or 'seconds', a number of at least 0; got ${describe(seconds)}`)
  }
  if (typeof save !== 'function') throw new Error(`train: checkpoint.save must be a function; got ${describe(save)}`)
}

function checkScaling(lossScaling: LossScaling): void {
  requireKeys('lossScaling', lossScaling, ['scale', 'doubleAfter'])
  const { scale = 1, doubleAfter = 1 } = lossScaling
  if (!(scale >= 1 && scale <= 2 ** 24 && Number.isInteger(Math.log2(scale)))) {
    throw new Error(
      `train: lossScaling.scale must be a power of two from 1 to 2^24, which divides without rounding; got ${describe(scale)}`,
    )
  }
  checkCount('lossScaling.doubleAfter', doubleAfter, 1)
}

async function plainStep<Prepared, Batch>(
  options: TrainOptions<Prepared, Batch>,
  context: StepContext,
  step: number,
  { next }: { next(step: number): Promise<Prepared> },
): Promise<IssuedStep> {
  const prepared = await next(step)
  try {
    return await issueStep(options, context, step, prepared)
  } finally {
    dispose(prepared as never)
  }
}

/** Saves a checkpoint where one is due after so many finished steps. */
function saves<Prepared, Batch>(
  { checkpoint, group = alone }: TrainOptions<Prepared, Batch>,
  capture: (step: number) => Promise<TrainingCheckpoint>,
) {
  let last = performance.now()
  return {
    isDue(finished: number): boolean {
      if (!checkpoint || group.rank !== 0) return false
      const { every, seconds = Number.POSITIVE_INFINITY } = checkpoint
      return (every !== undefined && finished % every === 0) || performance.now() - last >= 1000 * seconds
    },
    async save(finished: number): Promise<void> {
      await checkpoint!.save(await capture(finished))
      last = performance.now()
    },
  }
}

/** Says once a second how far the compilation of a step's GPU programs is: on some machines the first step takes long. */
function tellCompiling(report: Reporter | undefined) {
  let last = performance.now()
  return (done: number, total: number) => {
    if (performance.now() - last < 1000) return
    last = performance.now()
    report?.({ kind: 'message', text: `${done} of ${total} GPU programs compiled` })
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
