import type { Rng } from '@learngene/interfaces'
import { describe } from '@learngene/stitch'
import { type CosineOptions, cosine, type Group, type Schedule, shareOf } from '@learngene/training'

/** How long and how fast to train. */
export interface TrainingPlan {
  /** May be a part of one; 0 trains nothing. */
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

/** The names of all members of an options type: none may be left out, and none invented. */
export function keysOf<T>(names: { readonly [name in keyof Required<T>]: true }): readonly string[] {
  return Object.keys(names)
}

export const PLAN_OPTIONS = {
  epochs: true,
  batchSize: true,
  learningRate: true,
  weightDecay: true,
  warmupEpochs: true,
  schedule: true,
} as const

/** The batches and learning rates of a plan. */
export interface Epochs {
  readonly steps: number
  readonly learningRate: Schedule
  /** This member's share of a step's images. Every epoch is a permutation of all images; a last short batch is left out. */
  indices(step: number): Uint32Array
}

/** @throws when a number is missing or out of range, there are fewer images than a batch, or the batch does not divide by the group's size */
export function planEpochs(plan: TrainingPlan, length: number, rng: Rng, group: Group): Epochs {
  const { epochs, batchSize, learningRate, warmupEpochs = epochs / 20 } = plan
  for (const [name, value, rule, right] of [
    ['epochs', epochs, 'a number of at least 0', epochs >= 0 && epochs < Infinity],
    ['batchSize', batchSize, 'a positive integer', Number.isInteger(batchSize) && batchSize > 0],
    ['learningRate', learningRate, 'a number above 0', learningRate > 0 && learningRate < Infinity],
    ['warmupEpochs', warmupEpochs, 'a number of at least 0', warmupEpochs >= 0],
  ] as const) {
    if (typeof value !== 'number' || !right) throw new Error(`training: ${name} must be ${rule}; got ${describe(value)}`)
  }
  const perEpoch = Math.floor(length / batchSize)
  if (perEpoch < 1)
    throw new Error(`training: there must be at least one batch of images; got ${length} images and batches of ${batchSize}`)
  const steps = Math.round(epochs * perEpoch)
  let current = -1
  let order = new Uint32Array()
  const warmup = Math.min(steps - 1, Math.round(warmupEpochs * perEpoch))
  return {
    steps,
    learningRate: steps === 0 ? () => learningRate : cosine({ base: learningRate, steps, warmup, ...plan.schedule }),
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
