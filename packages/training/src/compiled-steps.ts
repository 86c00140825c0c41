import { compileStep } from '@learngene/compile-step'
import type { NamedTensors } from '@learngene/interfaces/tensors'
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

/** The batch and the optimizer's numbers are inputs of the recordings; while the GPU works on a step, the batch of the next is made. */
export function compileSteps<Batch>(options: TrainOptions<Batch>, first: number, state: OptimizerState): CompiledSteps {
  const { parameters, steps, optimizer, learningRate, accumulate = 1, clipNorm } = options
  const { key, memoryLimit } = options.compile!
  /** Parameters that have a gradient, by key. */
  const reached = new Map<string, NamedTensors>()
  let now = first
  let prepared: Prepared<Batch> | { readonly error: unknown } | undefined

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
  const prepare = (step: number): Prepared<Batch> | { readonly error: unknown } => {
    try {
      return makeBatch(() => options.batch?.(step) as Batch)
    } catch (error) {
      return { error }
    }
  }

  return {
    async run(step) {
      now = step
      const ready = prepared ?? prepare(step)
      prepared = undefined
      if ('error' in ready) throw ready.error
      const { data, shape } = optimizer.scalars(parameters, state, learningRate(step))
      const scalars = tensor2d(data, shape)
      try {
        const { loss, norm } = compiled.run({ batch: ready.batch, scalars }, key(step))
        countStep(reached.get(key(step))!, state)
        const numbers = Promise.all([loss, norm].map((each) => each?.data()))
        dispose(ready.made)
        if (step + 1 < steps) prepared = prepare(step + 1)
        const [lossValue, normValue] = await numbers
        return { loss: lossValue![0]!, ...(normValue && { norm: normValue[0]! }) }
      } finally {
        dispose([scalars, ...ready.made])
      }
    },
    dispose() {
      if (prepared && 'batch' in prepared) dispose(prepared.made)
      compiled.dispose()
    },
  }
}

/** A batch, and those of its tensors that were made for it; others belong to whoever made them. */
interface Prepared<Batch> {
  readonly batch: Batch
  readonly made: Tensor[]
}

function makeBatch<Batch>(make: () => Batch): Prepared<Batch> {
  let made: Tensor[] = []
  const batch = tidy(() => {
    const result = make()
    const here = new Set(engine().state.activeScope.track)
    made = tensor_util.getTensorsInContainer(result as never).filter((tensor) => here.has(tensor))
    return result as never
  }) as Batch
  return { batch, made }
}
