import { z } from 'zod'
import type { Overrides } from '../config/merge-config.js'
import { resolveConfig } from '../config/resolve-config.js'

const positive = z.number().positive()
const count = z.int().positive()

const training = z.strictObject({
  epochs: positive,
  /** Images per step over all workers. */
  batchSize: count,
  learningRate: positive,
  weightDecay: z.number().nonnegative(),
})

/** What the quickstart does, in counts: it never stops by the clock. */
export const quickstartConfig = z.strictObject({
  /** Cut out of the ancestor, ascending by width; the ancestor itself is the widest tier of the pool. */
  tiers: z
    .array(
      z.strictObject({
        width: count,
        /** Default the ancestor's: which blocks stay is measured. */
        depth: count.optional(),
        /** Default the ancestor's. */
        heads: count.optional(),
        /** Epochs of its distillation; a tier of none stays as it was cut. */
        epochs: z.number().nonnegative(),
        /** Default that of the distillation: the nearer a tier is to the ancestor, the less it should move. */
        learningRate: positive.optional(),
      }),
    )
    .min(1),
  /** Unlabelled training images that the ancestor is watched on. */
  calibrationImages: count,
  /** A path leaves its narrower tier after every so many blocks. */
  stride: count,
  /** Training images held out for choosing; a multiple of the number of classes. */
  validationImages: count,
  /** Use only so many of the other training images; all by default. */
  trainingImages: count.optional(),
  /** Of all tiers; their epochs are their own. */
  distillation: training.omit({ epochs: true }),
  fineTuning: training,
  /** Weight of the labels beside the ancestor's logits, in both. */
  labelWeight: z.number().min(0).max(1),
  /** Compared before anything is trained; the pool is trained from the first. */
  initialisers: z.array(z.enum(['learned', 'leastSquares', 'ridge', 'random'])).min(1),
  /** Validation images on which initialisers are compared. */
  comparisonImages: count,
  /** Training images whose features least squares regresses on. */
  featureImages: count,
  /** Validation images on which the residuals of stitches are measured. */
  heldOutImages: count,
  /** Where --budget is not given. */
  budget: z.record(z.string(), positive),
  /** MACs under which the report names the best descendant besides. */
  budgets: z.array(positive),
})

export type QuickstartConfig = z.infer<typeof quickstartConfig>

export const defaultConfig: QuickstartConfig = {
  tiers: [
    { width: 12, epochs: 2 },
    { width: 18, epochs: 0.5, learningRate: 5e-4 },
    { width: 24, epochs: 0.5, learningRate: 2e-4 },
    { width: 48, epochs: 0 },
  ],
  calibrationImages: 128,
  stride: 3,
  validationImages: 1000,
  trainingImages: 3500,
  distillation: { batchSize: 64, learningRate: 1e-3, weightDecay: 0.02 },
  fineTuning: { epochs: 1, batchSize: 64, learningRate: 2e-4, weightDecay: 0.02 },
  labelWeight: 0.2,
  initialisers: ['ridge', 'learned', 'leastSquares'],
  comparisonImages: 200,
  featureImages: 64,
  heldOutImages: 64,
  budget: { macs: 8e6 },
  budgets: [8e6, 2e6, 6e5],
}

/**
 * The configuration of a run: flags over the file over the defaults.
 *
 * @param file JSON or a module, as `--config` names it
 * @param defaults those of the quickstart, or the values of a run that goes on
 * @throws UsageError with one line that names the unknown or wrong options
 */
export async function readConfig(
  file: string | undefined,
  flags: Overrides<QuickstartConfig> = {},
  defaults: QuickstartConfig = defaultConfig,
): Promise<QuickstartConfig> {
  const name = 'quickstart configuration'
  const { value } = await resolveConfig({
    schema: quickstartConfig,
    defaults,
    flags,
    name,
    ...(file !== undefined && { file }),
  })
  return value
}
