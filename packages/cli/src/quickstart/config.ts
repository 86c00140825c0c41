import { z } from 'zod'

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
  /** Distilled from the ancestor, ascending by width. */
  auxiliaries: z.array(z.strictObject({ width: count, depth: count, heads: count })).min(2),
  /** Training images held out for choosing; a multiple of the number of classes. */
  validationImages: count,
  /** Use only so many of the other training images; all by default. */
  trainingImages: count.optional(),
  distillation: training,
  fineTuning: training,
  /** Compared before fine-tuning. */
  initialisers: z.array(z.enum(['learned', 'leastSquares', 'ridge', 'random'])).min(1),
  /** Validation images on which initialisers are compared. */
  comparisonImages: count,
  /** Training images whose features least squares regresses on. */
  featureImages: count,
  /** Validation images on which the residuals of stitches are measured. */
  heldOutImages: count,
  /** Where --budget is not given. */
  budget: z.record(z.string(), positive),
})

export type QuickstartConfig = z.infer<typeof quickstartConfig>

export const defaultConfig: QuickstartConfig = {
  auxiliaries: [
    { width: 48, depth: 6, heads: 3 },
    { width: 96, depth: 6, heads: 3 },
  ],
  validationImages: 1000,
  distillation: { epochs: 3, batchSize: 64, learningRate: 1.5e-3, weightDecay: 0.05 },
  fineTuning: { epochs: 3, batchSize: 64, learningRate: 5e-4, weightDecay: 0.05 },
  initialisers: ['learned', 'leastSquares', 'ridge', 'random'],
  comparisonImages: 256,
  featureImages: 100,
  heldOutImages: 100,
  budget: { macs: 8e6 },
}

/**
 * The default configuration with the given values in place of its own.
 *
 * @throws with one line that names the unknown or wrong keys
 */
export function parseConfig(values: unknown): QuickstartConfig {
  const result = quickstartConfig.safeParse({ ...defaultConfig, ...(values as object) })
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
  throw new Error(`quickstart configuration: ${problems.join('; ')}`)
}
