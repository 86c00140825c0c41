import { compileStep } from '@learngene/compile-step'
import type { NamedTensors } from '@learngene/interfaces/tensors'
import { opsSettings } from '@learngene/ops'
import { dispose, engine, type Scalar, type Tensor, type Tensor2D, tensor_util, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { clipGradients, lossValues, meanGradients } from './gradients.js'
import { countStep, type OptimizerState } from './optimizer.js'
import { batchOf, type StepNumbers, type StepOptions } from './step.js'

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
  run(step: number): Promise<StepNumbers>
  dispose(): void
}

/**
 * The batch and the optimizer's numbers are inputs of the recordings; while the GPU works on a step, the batch of the next is made.
 *
 * @param prepared what was prepared for a step; called for each step in turn. Freed here
 */
export function compileSteps<Prepared, Batch>(
  options: StepOptions<Prepared, Batch>,
  { key, memoryLimit }: CompileOptions,
  prepared: (step: number) => Promise<Prepared>,
  first: number,
  state: OptimizerState,
): CompiledSteps {
  const { parameters, steps, optimizer, learningRate, accumulate = 1, clipNorm } = options
  /** Parameters that have a gradient, and the terms of the loss, by key. */
  const reached = new Map<string, { readonly gradients: NamedTensors; readonly terms: readonly string[] }>()
  let now = first
  let next: MadeBatch<Batch> | undefined
  /** Until the next batch is there. */
  let coming: Promise<void> | undefined
  let over = false

  const compiled = compileStep(
    ({ batch, scalars }: { batch: Batch; scalars: Tensor2D }) => {
      const { loss, terms, gradients } = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch))
      const norm = clipNorm === undefined ? {} : { norm: clipGradients(gradients, clipNorm) }
      optimizer.update(parameters, gradients, state, scalars)
      reached.set(key(now), { gradients, terms })
      return { loss, ...norm } as { loss: Tensor; norm?: Scalar }
    },
    { memoryLimit },
  )
  const make = async (step: number) => {
    const ready = await prepared(step)
    if (over) dispose(ready as never)
    else next = makeBatch(ready, () => batchOf(options, step, ready))
  }

  return {
    async run(step) {
      await (coming ?? make(step))
      now = step
      const { batch, made } = next!
      coming = next = undefined
      const { data, shape } = optimizer.scalars(parameters, state, learningRate(step))
      const scalars = tensor2d(data, shape)
      try {
        const { loss, norm } = compiled.run({ batch, scalars }, `${key(step)} (${opsSettings()})`)
        const { gradients, terms } = reached.get(key(step))!
        countStep(gradients, state)
        const numbers = Promise.all([loss, norm].map((each) => each?.data()))
        dispose(made)
        if (step + 1 < steps) {
          coming = make(step + 1)
          coming.catch(() => {}) // the step that it belongs to gets the error
        }
        const [lossData, normData] = await numbers
        return { values: lossValues(lossData!, terms), ...(normData && { norm: normData[0]! }) }
      } finally {
        dispose([scalars, ...made])
      }
    },
    dispose() {
      over = true
      if (next) dispose(next.made)
      compiled.dispose()
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
