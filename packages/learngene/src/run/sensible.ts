import type { Dataset } from '@learngene/interfaces'
import { createRng } from '@learngene/training'
import { costOf, createViT, disposeNetwork, type Network, withoutWeights } from '@learngene/vit-blocks'
import { startBackend } from '../start-backend.js'
import { loadAncestor } from './build-recipe.js'
import { type NamedDatasets, type RunConfig, runDefaults } from './config.js'

/** What the sizes of a run are chosen by. */
interface Ancestor {
  readonly width: number
  readonly depth: number
  readonly heads: number
  readonly macs: number
}

/** Steps of training. */
const STEPS = { tuning: 200, head: 150, adapting: 200, pretraining: 1000 }

/** From this width on, that of ViT-Ti, ancestors are taken for pretrained ones, which lose much with half of their width (docs/results.md, a pretrained ViT). */
const LARGE = 192

/** What a run does with an ancestor. Tiers by share of its width: the narrower, the longer they are trained; one of 0 steps stays as it was cut. */
const PLANS = {
  small: {
    calibrationImages: runDefaults.calibrationImages,
    tiers: [
      { share: 1 / 8, steps: 400 },
      { share: 1 / 4, steps: 120, learningRate: 2e-4 },
      { share: 1 / 2, steps: 0 },
    ],
    tuningRate: 2e-4,
  },
  large: {
    calibrationImages: 512,
    tiers: [
      { share: 1 / 4, steps: 400 },
      { share: 1 / 2, steps: 400, learningRate: 5e-4 },
      { share: 3 / 4, steps: 200, learningRate: 2e-4 },
    ],
    tuningRate: 5e-5,
  },
}

/** Images per step, where there are many. */
const BATCH = 64

/**
 * The configuration of a run for some images and an ancestor, where the user leaves it open: tiers of an eighth, a quarter and a half of the ancestor's width, of a quarter, a half and three quarters
 * where it is 192 or more, and as many epochs as make a few hundred steps.
 *
 * @param ancestor a model as the command line names it, or 'train'
 */
export async function sensibleConfig(ancestor: string, datasets: NamedDatasets): Promise<Omit<RunConfig, 'ancestor' | 'images'>> {
  const held = datasets.validation && datasets.test ? 1 : 0.8
  const images = Math.floor(datasets.training.length * held)
  const batchSize = Math.max(2, 2 * Math.floor(Math.min(BATCH, images / 4) / 2))
  const epochs = (steps: number) => Math.max(1, Math.round(steps / Math.max(1, Math.floor(images / batchSize))))
  const plan = (steps: number, learningRate: number) => ({ epochs: epochs(steps), batchSize, learningRate, weightDecay: 0.02 })
  const model = ancestor === 'train' ? await modelFor(datasets.training, plan(STEPS.pretraining, 1e-3)) : undefined
  const { width, depth, heads, macs } = model ? sizesOf(createSized(model, datasets.training.classes.length)) : await inspect(ancestor)
  const { calibrationImages, tiers, tuningRate } = PLANS[width >= LARGE ? 'large' : 'small']
  const { epochs: _, ...distillation } = plan(0, 1e-3)
  return {
    ...runDefaults,
    ...(model && { model }),
    ...(!model && { adaptation: { head: plan(STEPS.head, 1e-3), whole: plan(STEPS.adapting, 5e-5) } }),
    calibrationImages,
    tiers: tiersOf(tiers, { width, heads }, epochs),
    distillation,
    fineTuning: plan(STEPS.tuning, tuningRate),
    space: { kind: 'aligned', stride: Math.max(1, Math.round(depth / 4)) },
    budgets: [macs / 2, macs / 4, macs / 10].map((each) => Number(each.toPrecision(2))),
  }
}

/** Tiers that the heads divide and that have two values a head at the least; the narrowest that is left is trained as long as any. */
function tiersOf(
  plans: readonly { readonly share: number; readonly steps: number; readonly learningRate?: number }[],
  { width, heads }: Pick<Ancestor, 'width' | 'heads'>,
  epochs: (steps: number) => number,
): RunConfig['tiers'] {
  const widths = plans.map(({ share }) => Math.round((share * width) / heads) * heads)
  const kept = widths.flatMap((each, i) => (each >= 2 * heads && each < width && each !== widths[i - 1] ? [i] : []))
  return kept.map((plan, i) => {
    const { steps, learningRate } = plans[i === 0 ? 0 : plan]!
    return {
      width: widths[plan]!,
      epochs: steps === 0 ? 0 : epochs(steps),
      ...(steps > 0 && learningRate !== undefined && { learningRate }),
    }
  })
}

/** Sizes of a ViT that two cores train in minutes, for pictures as they are. */
async function modelFor(training: Dataset, plan: NonNullable<RunConfig['model']>['training']): Promise<NonNullable<RunConfig['model']>> {
  const validated = { ...plan, validateEpochs: Math.max(1, Math.round(plan.epochs / 30)), patience: 10 }
  return { width: 96, depth: 6, heads: 3, ...(await shapeFor(training)), training: validated }
}

/**
 * What a ViT makes of pictures: their size as nearly as patches divide it, grey where all of them are. Those that cannot be read are left out: the run names them all, or goes on without them.
 *
 * @throws what reading threw where none of 16 can be read
 */
export async function shapeFor(training: Dataset): Promise<Pick<NonNullable<RunConfig['model']>, 'imageSize' | 'patchSize' | 'channels'>> {
  const some = Math.min(16, training.length)
  const settled = await Promise.allSettled(
    Array.from({ length: some }, async (_, i) => training.picture(Math.floor((i * training.length) / some))),
  )
  const looked = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (looked.length === 0) throw (settled[0] as PromiseRejectedResult).reason
  const sides = looked.map(({ height, width }) => Math.min(height, width)).sort((a, b) => a - b)
  const grey = looked.every(({ data, channels }) => channels === 1 || data.every((value, i) => value === data[i - (i % channels)]))
  const imageSize = Math.min(64, Math.max(16, 8 * Math.round(sides[Math.floor(sides.length / 2)]! / 8)))
  const patchSize = imageSize >= 48 ? 8 : 4
  return { patchSize, imageSize: [imageSize, imageSize], channels: grey ? 1 : 3 }
}

function createSized(
  { imageSize: [imageSize], training: _, block: __, embedding: ___, head: ____, ...sizes }: NonNullable<RunConfig['model']>,
  classes: number,
): Network {
  return withoutWeights(() => createViT({ ...sizes, imageSize, classes }, createRng(0)))
}

function sizesOf(network: Network): Ancestor {
  const { embedding, blocks } = network
  return { width: embedding.width, depth: blocks.length, heads: blocks[0]!.config.heads as number, macs: costOf(network).macs }
}

async function inspect(ancestor: string): Promise<Ancestor> {
  await startBackend('cpu')
  const { network } = await loadAncestor(ancestor)
  const sizes = sizesOf(network)
  disposeNetwork(network)
  return sizes
}
