import type { Rng } from '@learngene/interfaces'
import type { ImageBatch, ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { nameBatch } from '@learngene/ops'
import { describe, requireArguments, requireKeys } from '@learngene/stitch'
import {
  type AdamWOptions,
  adamW,
  alone,
  averaging,
  type CosineOptions,
  cosine,
  type EvaluationOptions,
  fixedBytes,
  type Group,
  type LossTerms,
  type Schedule,
  shareOf,
  type TrainingControl,
  type TrainingPrecision,
  train,
} from '@learngene/training'
import type { Network } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import { accuracies } from './evaluate.js'

/** How long and how fast to train, and how it is watched; every training of networks takes it. */
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
  /** Scales gradients down where their joint norm exceeds this. */
  readonly clipNorm?: number
  /** Parts that a member's share of a batch is split into, one after the other, for batches that memory has no room for; default 1. */
  readonly accumulate?: number
  /** Decay of an exponential average of the weights, such as 0.999: it is evaluated and it is what remains. Default none. */
  readonly averageDecay?: number
  /** `mixed`: float16 products and a scaled loss, on GPUs that have matrix units for it, else an error; default `float32`. */
  readonly precision?: TrainingPrecision
  /** Other images, on which what is trained is evaluated while it is. */
  readonly validation?: ValidationPlan
}

/** Top-1 accuracy on other images, in the reports as `accuracy`. */
export interface ValidationPlan {
  readonly source: ImageSource
  /** Epochs between two evaluations; default 1. */
  readonly everyEpochs?: number
  /** Ends with the weights that were best by it; default false. */
  readonly keepBest?: boolean
  /** Ends early after so many evaluations without a better one; needs `keepBest`. */
  readonly patience?: number
  readonly batchSize?: number
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
  clipNorm: true,
  accumulate: true,
  averageDecay: true,
  precision: true,
  validation: true,
} as const

export const CONTROL_OPTIONS = { group: true, report: true, signal: true, checkpoint: true, resume: true } as const

/** The batches and learning rates of a plan. */
export interface Epochs {
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly learningRate: Schedule
  /** This member's share of a step's images. Every epoch is a permutation of all images; a last short batch is left out. */
  indices(step: number): Uint32Array
}

/** @throws when a number is missing or out of range, there are fewer images than a batch, or the batch does not divide by the group's size */
export function planEpochs(plan: TrainingPlan, length: number, rng: Rng, group: Group): Epochs {
  const { epochs, batchSize, learningRate, warmupEpochs = epochs / 20, accumulate = 1 } = plan
  for (const [name, value, rule, right] of [
    ['epochs', epochs, 'a number of at least 0', epochs >= 0 && epochs < Infinity],
    ['batchSize', batchSize, 'a positive integer', Number.isInteger(batchSize) && batchSize > 0],
    ['learningRate', learningRate, 'a number above 0', learningRate > 0 && learningRate < Infinity],
    ['warmupEpochs', warmupEpochs, 'a number of at least 0', warmupEpochs >= 0],
    ['accumulate', accumulate, 'a positive integer', Number.isInteger(accumulate) && accumulate > 0],
  ] as const) {
    if (typeof value !== 'number' || !right) throw new Error(`training: ${name} must be ${rule}; got ${describe(value)}`)
  }
  const perEpoch = Math.floor(length / batchSize)
  if (perEpoch < 1)
    throw new Error(`training: there must be at least one batch of images; got ${length} images and batches of ${batchSize}`)
  if (batchSize % (group.size * accumulate) !== 0) {
    throw new Error(
      `training: a batch must divide by the number of workers and of accumulated parts; got ${batchSize} images, ${group.size} workers and ${accumulate} parts`,
    )
  }
  const steps = Math.round(epochs * perEpoch)
  let current = -1
  let order = new Uint32Array()
  const warmup = Math.min(steps - 1, Math.round(warmupEpochs * perEpoch))
  return {
    steps,
    stepsPerEpoch: perEpoch,
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

/** Images of a step with their numbers in the source. */
export interface PlannedBatch extends ImageBatch {
  readonly indices: Uint32Array
}

/** What is trained by a plan. */
export interface PlannedTraining<Lesson> {
  readonly parameters: Parameters
  readonly source: ImageSource
  /** Of the optimizer, besides the plan's. */
  readonly optimizer?: Pick<AdamWOptions, 'learningRateScale'>
  /** Losses of one step that share its images, such as those of several paths; default 1. */
  readonly losses?: number
  /** What the images teach, such as a teacher's answers to them. Runs once per part of a batch under no tape. */
  lesson(batch: PlannedBatch): Lesson
  /** Makes ready for the first lesson, which is about this batch. */
  prepareLesson?(batch: PlannedBatch): Promise<void>
  /** @param index counts the losses that share the images */
  loss(step: number, index: number, lesson: Lesson): LossTerms
  /** Steps of one key may be recorded once and replayed; see `compile` of `train`. */
  readonly key?: (step: number) => string
  /** Losses of one key may be recorded each for itself instead; see `partKey` of `train`'s `compile`. */
  readonly lossKey?: (step: number, index: number) => string
  /** Networks whose mean accuracy is watched where the plan validates. */
  watched(): readonly Network[]
}

/**
 * The one training under distilling, fine-tuning and the baselines: a plan's batches, learning rates, averages and evaluations around {@link train}.
 *
 * @returns the loss of each step
 * @throws what `planEpochs` and `train` throw
 */
export async function trainByPlan<Lesson>(
  plan: TrainingPlan & TrainingControl,
  training: PlannedTraining<Lesson>,
  rng: Rng,
): Promise<Float32Array> {
  const { group = alone, weightDecay, averageDecay, clipNorm, accumulate = 1, precision, report, signal, checkpoint, resume } = plan
  const { parameters, source, losses = 1, lesson, loss, key, lossKey } = training
  const epochs = planEpochs(plan, source.length, rng.fork('batches'), group)
  const drawn = rng.fork('augmentation')
  const optimizer = adamW({ weightDecay, ...training.optimizer })
  let isFirst = true
  const read = async (step: number) => {
    const indices = epochs.indices(step)
    const parts = Array.from({ length: accumulate }, (_, part) => shareOf({ ...alone, rank: part, size: accumulate }, indices))
    const batches = await Promise.all(
      parts.map(async (part) => ({ indices: part, ...(await source.batch(part, { step, rng: drawn, signal })) })),
    )
    try {
      if (isFirst) await training.prepareLesson?.(batches[0]!)
    } catch (error) {
      dispose(batches.flatMap(({ images, targets }) => [images, targets]))
      throw error
    }
    isFirst = false
    return batches
  }
  const partKey = lossKey && ((step: number, part: number) => `${Math.floor(part / losses)} ${lossKey(step, part % losses)}`)
  const all = lossKey && ((step: number) => Array.from({ length: losses }, (_, index) => lossKey(step, index)).join(' '))
  const stepKey = key ?? all
  const compile = stepKey && { key: stepKey, partKey }
  return train<PlannedBatch[], Lesson[]>({
    parameters,
    steps: epochs.steps,
    learningRate: epochs.learningRate,
    optimizer: averageDecay === undefined ? optimizer : averaging(optimizer, averageDecay),
    accumulate: accumulate * losses,
    clipNorm,
    precision,
    prepare: read,
    batch: (_, parts) => parts.map((part) => lesson(part)),
    loss: (step, part, lessons) => loss(step, part % losses, lessons[Math.floor(part / losses)]!),
    ...(compile && { compile }),
    evaluate: plan.validation && evaluationOf(plan.validation, epochs, training, plan),
    group,
    report,
    signal,
    checkpoint,
    resume,
  }).catch((error) => {
    throw nameBatch(error, plan.batchSize / group.size / accumulate, fixedBytes(parameters, averageDecay === undefined ? 2 : 3))
  })
}

function evaluationOf<Lesson>(
  validation: ValidationPlan,
  { stepsPerEpoch }: Epochs,
  { watched }: PlannedTraining<Lesson>,
  { group, signal }: TrainingControl,
): EvaluationOptions {
  requireKeys('validation', validation, ['source', 'everyEpochs', 'keepBest', 'patience', 'batchSize'])
  const { source, everyEpochs = 1, keepBest = false, patience, batchSize } = validation
  requireArguments('validation', { source: ['source', source] })
  if (!(everyEpochs > 0)) throw new Error(`validation: everyEpochs must be a number above 0; got ${describe(everyEpochs)}`)
  return {
    every: Math.max(1, Math.round(everyEpochs * stepsPerEpoch)),
    async measure() {
      const scores = await accuracies(watched(), source, { group, signal, batchSize })
      return { accuracy: scores.reduce((total, score) => total + score, 0) / scores.length }
    },
    ...(keepBest && { keepBest: 'accuracy' }),
    patience,
  }
}
