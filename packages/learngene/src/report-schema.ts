import { COMMANDS, type RunReport } from '@learngene/recipe/reports'
import { z } from 'zod'

const count = z.int().nonnegative()
const amount = z.number().nonnegative()
const share = z.number().min(0).max(1)
const text = z.string().min(1)
const size = z.object({ parameters: count, macs: count })
const storage = z.object({ parameters: count, smallest: size, models: count })

/** What {@link RunReport} says in types, for files. */
export const reportSchema: z.ZodType<RunReport> = z.object({
  schema: z.literal(2),
  command: z.enum(COMMANDS),
  version: text,
  seed: z.int(),
  backend: z.object({ name: text, version: z.string() }),
  workers: count,
  config: z.record(z.string(), z.unknown()),
  images: z.object({ training: count, validation: count, test: count }),
  ancestor: size.extend({ width: count, depth: count, testAccuracy: share }),
  auxiliaries: z.array(
    size.extend({
      name: text,
      width: count,
      depth: count,
      heads: count,
      start: z.enum(['inherit', 'random', 'ancestor']),
      standsFor: z.array(count),
      keptEnergy: share,
      untrainedAccuracy: share,
      steps: count,
      firstLoss: z.number().nullable(),
      lastLoss: z.number().nullable(),
    }),
  ),
  inheriting: z.object({ images: count, energies: z.array(z.object({ width: count, kept: share })) }),
  initialisers: z.object({
    images: count,
    rows: z.array(
      z.object({
        name: text,
        meanAccuracy: share,
        meanResidual: amount,
        descendants: z.array(z.object({ path: text, accuracy: share })),
      }),
    ),
  }),
  fineTuning: z.object({ steps: count, firstLoss: z.number(), lastLoss: z.number(), initialiser: text }),
  descendants: z
    .array(
      size.extend({
        id: count,
        path: text,
        memory: count,
        bytes: count.optional(),
        stitched: z.boolean(),
        validationAccuracy: share,
        testAccuracy: share,
        untrainedAccuracy: share,
        pareto: z.boolean(),
      }),
    )
    .min(1),
  evaluation: z.object({ sharedMacs: count, separateMacs: count }),
  storage: z.object({ pool: storage, snnet: storage.extend({ anchors: text }) }),
  comparison: z.array(z.object({ name: text, macs: count, testAccuracy: share, note: z.string() })),
  choices: z.array(z.object({ budget: z.object({ macs: amount }), path: text, macs: count, testAccuracy: share })),
  choice: z.object({
    budget: z.record(z.string(), z.number()),
    path: text,
    runnerUp: text.nullable(),
    why: z.string(),
    file: text,
    logitDifference: amount,
    comparedImages: count,
  }),
  times: z.record(z.string(), amount),
})
