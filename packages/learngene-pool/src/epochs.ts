import type { Rng } from '@learngene/interfaces'
import { type CosineOptions, cosine, type Group, type Schedule, shareOf } from '@learngene/training'

/** How long and how fast to train. */
export interface TrainingPlan {
  readonly epochs: number
  /** Images per step, over all workers. */
  readonly batchSize: number
  /** Highest learning rate. */
  readonly learningRate: number
  /** Default 0.05. */
  readonly weightDecay?: number
  /** Epochs of linear warm-up; default 5 % of all epochs. */
  readonly warmupEpochs?: number
  /** Where the learning rate starts and ends; defaults 1e-6 and 1e-5 as published. */
  readonly schedule?: Pick<CosineOptions, 'initial' | 'final'>
}

/** The batches and learning rates of a plan. */
export interface Epochs {
  readonly steps: number
  readonly learningRate: Schedule
  /** This member's share of a step's images. Every epoch is a permutation of all images; a last short batch is left out. */
  indices(step: number): Uint32Array
}

/** @throws when there are fewer images than a batch, or the batch does not divide by the group's size */
export function planEpochs(plan: TrainingPlan, length: number, rng: Rng, group: Group): Epochs {
  const { epochs, batchSize, learningRate, warmupEpochs = epochs / 20 } = plan
  const perEpoch = Math.floor(length / batchSize)
  if (perEpoch < 1)
    throw new Error(`training: there must be at least one batch of images; got ${length} images and batches of ${batchSize}`)
  const steps = Math.round(epochs * perEpoch)
  let current = -1
  let order = new Uint32Array()
  return {
    steps,
    learningRate: cosine({ base: learningRate, steps, warmup: Math.min(steps - 1, Math.round(warmupEpochs * perEpoch)), ...plan.schedule }),
    indices(step) {
      const epoch = Math.floor(step / perEpoch)
      if (epoch !== current) {
        current = epoch
        order = rng.fork(`epoch ${epoch}`).permutation(length) as Uint32Array<ArrayBuffer>
      }
      const start = (step % perEpoch) * batchSize
      return shareOf(group, order.subarray(start, start + batchSize))
    },
  }
}
