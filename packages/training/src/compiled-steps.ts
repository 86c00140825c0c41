import { compileStep } from '@learngene/compile-step'
import type { NamedTensors } from '@learngene/interfaces/tensors'
import { opsSettings } from '@learngene/ops'
import { dispose, engine, type Scalar, type Tensor, type Tensor2D, tensor_util, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { clipGradients } from './clip-gradients.js'
import { meanGradients } from './gradients.js'
import { countStep, type OptimizerState } from './optimizer.js'
import type { TrainOptions } from './train.js'

/** The numbers of a finished step. */
export interface StepNumbers {
  readonly loss: number
  /** The gradients' joint norm, with `clipNorm`. */
  readonly norm?: number
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
 * @param ready waits until a step is prepared; called for each step in turn
 */
export function compileSteps<Batch>(
  options: TrainOptions<Batch>,
  ready: (step: number) => Promise<void>,
  first: number,
  state: OptimizerState,
): CompiledSteps {
  const { parameters, steps, optimizer, learningRate, accumulate = 1, clipNorm } = options
  const { key, memoryLimit } = options.compile!
  /** Parameters that have a gradient, by key. */
  const reached = new Map<string, NamedTensors>()
  let now = first
  let next: MadeBatch<Batch> | undefined
  /** Until the next batch is there. */
  let coming: Promise<void> | undefined
  let over = false

  const compiled = compileStep(
    ({ batch, scalars }: { batch: Batch; scalars: Tensor2D }) => {
      const { loss, gradients } = meanGradients(parameters, accumulate, (part) => options.loss(now, part, batch))
      const norm = clipNorm === undefined ? {} : { norm: clipGradients(gradients, clipNorm) }
      optimizer.update(parameters, gradients, state, scalars)
      reached.set(key(now), gradients)
      return { loss: loss as Scalar, ...norm } as { loss: Scalar; norm?: Scalar }
    },
    { memoryLimit },
  )
  const make = async (step: number) => {
    await ready(step)
    if (!over) next = makeBatch(() => options.batch?.(step) as Batch)
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
        countStep(reached.get(key(step))!, state)
        const numbers = Promise.all([loss, norm].map((each) => each?.data()))
        dispose(made)
        if (step + 1 < steps) {
          coming = make(step + 1)
          coming.catch(() => {}) // the step that it belongs to gets the error
        }
        const [lossValue, normValue] = await numbers
        return { loss: lossValue![0]!, ...(normValue && { norm: normValue[0]! }) }
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

function makeBatch<Batch>(make: () => Batch): MadeBatch<Batch> {
  let made: Tensor[] = []
  const batch = tidy(() => {
    const result = make()
    const here = new Set(engine().state.activeScope.track)
    made = tensor_util.getTensorsInContainer(result as never).filter((tensor) => here.has(tensor))
    return result as never
  }) as Batch
  return { batch, made }
}
