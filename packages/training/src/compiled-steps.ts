import { type CompiledStep, compileStep, runOnce } from '@learngene/compile-step'
import type { NamedTensors } from '@learngene/interfaces/tensors'
import { accumulate, clear, opsSettings } from '@learngene/ops'
import {
  dispose,
  engine,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor_util,
  tensor1d,
  tidy,
  type Variable,
  variable,
  zeros as zerosOf,
} from '@tensorflow/tfjs-core'
import { averageOverGroup, disposeGradients, joined, type LossTerms, meanGradients, requireSameTerms } from './gradients.js'
import { countStep } from './optimizer.js'
import { batchOf, type IssuedStep, readLater, type StepContext, type StepOptions, scalarsOf, scaleOf, update } from './step.js'

/** How steps are recorded. */
export interface CompileOptions {
  /** Steps of one key differ in their batch only. */
  readonly key: (step: number) => string
  /**
   * Parts of a step of one key differ in their batch only, whatever the step. Then, outside of groups, each part is recorded for itself and `key` is not asked: for steps whose
   * parts recur while their combinations do not, such as several paths.
   */
  readonly partKey?: (step: number, part: number) => string
  /** Most bytes for recordings. */
  readonly memoryLimit?: number
}

/** The steps of a training as recordings that are replayed, one for each key. */
export interface CompiledSteps {
  /** Updates parameters and state. */
  run(step: number): Promise<IssuedStep>
  dispose(): void
}

/** What a recording of a key has: names of the parameters that it reaches, and of its loss's terms. */
interface Reached {
  readonly reached: readonly string[]
  readonly terms: readonly string[]
}

/** Steps from a batch to the numbers of `guardStep`. */
interface Stepper<Batch> {
  run(step: number, key: string, batch: Batch): Promise<Reached & { readonly numbers: Tensor1D }>
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
  const { state, readings } = context
  const stepper = stepperOf(options, compile, context)
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
        const { numbers, ...names } = await stepper.run(step, `${compile.key(step)} (${opsSettings()})`, batch)
        countStep(names.reached, state)
        const issued = { step, ...names, numbers: readLater(readings, numbers) }
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

function stepperOf<Prepared, Batch>(options: StepOptions<Prepared, Batch>, compile: CompileOptions, context: StepContext): Stepper<Batch> {
  if (context.group.size > 1) return twoRecordings(options, compile, context)
  const { partKey } = compile
  return partKey ? recordingPerPart(options, { ...compile, partKey }, context) : oneRecording(options, compile, context)
}

/** Compiles the programs that are new all at once before it runs. */
async function replay<Inputs, Outputs>(
  step: CompiledStep<Inputs, Outputs>,
  inputs: Inputs,
  key: string,
  { compiling }: StepContext,
): Promise<Outputs> {
  await step.prepare(inputs, key, compiling)
  return step.run(inputs, key)
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
      const current = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch), { scale: scaleOf(options, context) })
      reached.set(nowKey, { reached: Object.keys(current.gradients), terms: current.terms })
      return { numbers: update(options, context, current, scalars) }
    },
    { memoryLimit },
  )
  return {
    async run(step, key, batch) {
      ;[now, nowKey] = [step, key]
      const scalars = scalarsOf(options, context, step)
      try {
        const { numbers } = await replay(compiled, { batch, scalars }, key, context)
        return { numbers, ...reached.get(key)! }
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
      const { loss, gradients, ...rest } = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch), {
        scale: scaleOf(options, context),
      })
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
      const own = await replay(gradientsOf, batch, key, context)
      const mean = { ...own, gradients: { ...own.gradients }, terms: terms.get(key)! }
      await averageOverGroup(group, mean, readings.read)
      const scalars = scalarsOf(options, context, step)
      try {
        const { numbers } = await replay(updates, { loss: mean.loss, gradients: mean.gradients, scalars }, opsSettings(), context)
        return { numbers, terms: mean.terms, reached: Object.keys(mean.gradients) }
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

/**
 * Each part of a step is a recording of its own, which adds to totals, and so is the update, which takes parameters by what the step has reached: a step of
 * several paths is replayed though their combination never came before.
 */
function recordingPerPart<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  { memoryLimit, partKey }: CompileOptions & { readonly partKey: NonNullable<CompileOptions['partKey']> },
  context: StepContext,
): Stepper<Batch> {
  const { parameters, accumulate: parts = 1 } = options
  const names = Object.keys(context.state)
  const totals = Object.fromEntries(names.map((name) => [name, zeros(parameters[name]!.shape)]))
  const reachedBy = new Map<string, readonly string[]>()
  let [now, nowPart, nowKey] = [0, 0, '']
  let loss: { readonly total: Variable; readonly terms: string[] } | undefined

  const partOf = compileStep(
    (batch: Batch) => {
      const {
        loss: value,
        gradients,
        terms,
      } = meanGradients(parameters, 1, () => options.loss(now, nowPart, batch), {
        factor: 1 / parts,
        scale: scaleOf(options, context),
      })
      requireSameTerms(loss!.terms, terms)
      reachedBy.set(nowKey, Object.keys(gradients))
      const pairs = Object.entries(gradients).map(([name, gradient]) => ({ total: totals[name]!, value: gradient }))
      accumulate([{ total: loss!.total, value }, ...pairs])
    },
    { memoryLimit },
  )
  const updates = compileStep(({ scalars, reached }: { scalars: Tensor2D; reached: Tensor1D }) => {
    const current = { loss: loss!.total, gradients: { ...totals }, terms: [] }
    const numbers = update(options, context, current, scalars, reached)
    clear([loss!.total, ...Object.values(totals)])
    return { numbers }
  })
  return {
    async run(step, _key, batch) {
      loss ??= await emptyLoss((inputs) => options.loss(step, 0, inputs), batch)
      const all = new Set<string>()
      now = step
      for (let part = 0; part < parts; part++) {
        nowPart = part
        nowKey = `${partKey(step, part)} (${opsSettings()})`
        await replay(partOf, batch, nowKey, context)
        for (const name of reachedBy.get(nowKey)!) all.add(name)
      }
      const scalars = scalarsOf(options, context, step)
      const reached = tensor1d(names.map((name) => (all.has(name) ? 1 : 0)))
      try {
        return { ...(await replay(updates, { scalars, reached }, opsSettings(), context)), reached: [...all], terms: loss.terms }
      } finally {
        dispose([scalars, reached])
      }
    },
    dispose() {
      partOf.dispose()
      updates.dispose()
      dispose([...Object.values(totals), ...(loss ? [loss.total] : [])])
    },
  }
}

const zeros = (shape: number[]): Variable => tidy(() => variable(zerosOf(shape), false))

/** A total for a loss, of which the first part is computed once to know its terms. */
async function emptyLoss<Batch>(first: (batch: Batch) => LossTerms, batch: Batch) {
  const { value, names } = await runOnce((inputs: Batch) => joined(first(inputs)), batch)
  const total = zeros(value.shape)
  value.dispose()
  return { total, terms: names }
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
