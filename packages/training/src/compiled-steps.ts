import { compileStep } from '@learngene/compile-step'
import type { NamedTensors } from '@learngene/interfaces/tensors'
import { opsSettings } from '@learngene/ops'
import { dispose, engine, type Tensor, type Tensor1D, type Tensor2D, tensor_util, tidy } from '@tensorflow/tfjs-core'
import { averageOverGroup, disposeGradients, type LossAndGradients, meanGradients } from './gradients.js'
import { countStep } from './optimizer.js'
import { batchOf, type IssuedStep, readLater, type StepContext, type StepOptions, scalarsOf, update } from './step.js'

/** How steps are recorded. */
export interface CompileOptions {
  /** Steps of one key differ in their batch only. */
  readonly key: (step: number) => string
  /** Most bytes for recordings. */
  readonly memoryLimit?: number
}

/** The steps of a training as recordings that are replayed, one for each key. */
export interface CompiledSteps {
  /** Updates parameters and state. */
  run(step: number): Promise<IssuedStep>
  dispose(): void
}

/** What a recording of a key reaches. */
type Reached = Pick<LossAndGradients, 'gradients' | 'terms'>

/** Steps from a batch to the numbers of `guardStep`. */
interface Stepper<Batch> {
  run(step: number, key: string, batch: Batch): Promise<{ readonly numbers: Tensor1D; readonly reached: Reached }>
  dispose(): void
}

/**
 * The batch and the optimizer's numbers are inputs of the recordings; while the GPU works on a step, the batch of the next is made.
 *
 * @param prepared what was prepared for a step; called for each step in turn. Freed here
 */
export function compileSteps<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  compile: CompileOptions,
  prepared: (step: number) => Promise<Prepared>,
  context: StepContext,
): CompiledSteps {
  const { steps } = options
  const { group, state, readings } = context
  const stepper = group.size === 1 ? oneRecording(options, compile, context) : twoRecordings(options, compile, context)
  let next: MadeBatch<Batch> | undefined
  /** Until the next batch is there. */
  let coming: Promise<void> | undefined
  let over = false

  const make = async (step: number) => {
    const ready = await prepared(step)
    if (over) dispose(ready as never)
    else next = makeBatch(ready, () => batchOf(options, step, ready))
  }

  return {
    async run(step) {
      await (coming ?? make(step))
      const { batch, made } = next!
      coming = next = undefined
      try {
        const { numbers, reached } = await stepper.run(step, `${compile.key(step)} (${opsSettings()})`, batch)
        const { gradients, terms } = reached
        countStep(gradients, state)
        const issued = { step, terms, reached: Object.keys(gradients), numbers: readLater(readings, numbers) }
        if (step + 1 < steps) {
          coming = make(step + 1)
          coming.catch(() => {}) // the step that it belongs to gets the error
        }
        return issued
      } finally {
        dispose(made)
      }
    },
    dispose() {
      over = true
      if (next) dispose(next.made)
      stepper.dispose()
    },
  }
}

/** Gradients and update are one recording. */
function oneRecording<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  { memoryLimit }: CompileOptions,
  context: StepContext,
): Stepper<Batch> {
  const { parameters, accumulate = 1 } = options
  const reached = new Map<string, Reached>()
  let [now, nowKey] = [0, '']
  const compiled = compileStep(
    ({ batch, scalars }: { batch: Batch; scalars: Tensor2D }) => {
      const current = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch))
      reached.set(nowKey, current)
      return { numbers: update(options, context, current, scalars) }
    },
    { memoryLimit },
  )
  return {
    async run(step, key, batch) {
      ;[now, nowKey] = [step, key]
      const scalars = scalarsOf(options, context, step)
      try {
        const { numbers } = compiled.run({ batch, scalars }, key)
        return { numbers, reached: reached.get(key)! }
      } finally {
        scalars.dispose()
      }
    },
    dispose: compiled.dispose,
  }
}

/** The group averages between gradients and update, on the host: each is a recording of its own. */
function twoRecordings<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  { memoryLimit }: CompileOptions,
  context: StepContext,
): Stepper<Batch> {
  const { parameters, accumulate = 1 } = options
  const { group, readings } = context
  const terms = new Map<string, string[]>()
  let [now, nowKey] = [0, '']
  const gradientsOf = compileStep(
    (batch: Batch) => {
      const { loss, gradients, ...rest } = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch))
      terms.set(nowKey, rest.terms)
      return { loss, gradients }
    },
    { memoryLimit },
  )
  const updates = compileStep(({ loss, gradients, scalars }: { loss: Tensor; gradients: NamedTensors; scalars: Tensor2D }) => ({
    numbers: update(options, context, { loss, gradients, terms: [] }, scalars),
  }))
  return {
    async run(step, key, batch) {
      ;[now, nowKey] = [step, key]
      const own = gradientsOf.run(batch, key)
      const mean = { ...own, gradients: { ...own.gradients }, terms: terms.get(key)! }
      await averageOverGroup(group, mean, readings.read)
      const scalars = scalarsOf(options, context, step)
      try {
        const { numbers } = updates.run({ loss: mean.loss, gradients: mean.gradients, scalars }, opsSettings())
        return { numbers, reached: mean }
      } finally {
        scalars.dispose()
        disposeGradients(mean)
      }
    },
    dispose() {
      gradientsOf.dispose()
      updates.dispose()
    },
  }
}

/** A batch, and those of its tensors that were made for it; others belong to whoever made them. */
interface MadeBatch<Batch> {
  readonly batch: Batch
  readonly made: Tensor[]
}

function makeBatch<Batch>(prepared: unknown, make: () => Batch): MadeBatch<Batch> {
  const made = tensor_util.getTensorsInContainer(prepared as never)
  try {
    const batch = tidy(() => {
      const result = make()
      const here = new Set(engine().state.activeScope.track)
      made.push(...tensor_util.getTensorsInContainer(result as never).filter((tensor) => here.has(tensor)))
      return result as never
    }) as Batch
    return { batch, made }
  } catch (error) {
    dispose(made)
    throw error
  }
}
