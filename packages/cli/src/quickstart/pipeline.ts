import type { Reporter } from '@learngene/interfaces'
import type { Dataset } from '@learngene/interfaces/tensors'
import {
  accuracies,
  buildPool,
  cachedTeacher,
  createDistillation,
  descendantsOf,
  disposePool,
  distill,
  encodePool,
  fineTune,
} from '@learngene/learngene-pool'
import { type Tier } from '@learngene/stitch'
import { createRng, type Group } from '@learngene/training'
import { disposeNetwork, loadModel, type Network, withoutWeights } from '@learngene/vit-blocks'
import { compareInitialisers } from './compare-initialisers.js'
import type { QuickstartConfig } from './config.js'
import { describeDescendants, describeStorage, evaluationMacs, lossSummary, sizeOf } from './describe.js'
import { type Normalisation, splitImages } from './images.js'
import type { QuickstartReport } from './report.js'

/** What the pipeline works on; the same for every member of the group. */
export interface PipelineInput {
  readonly config: QuickstartConfig
  readonly seed: number
  /** A safetensors file with `normalisation` in its details. */
  readonly ancestor: Uint8Array
  readonly train: Dataset
  readonly test: Dataset
}

/** What it found; the rest of the report is the caller's. */
export interface PipelineResult {
  readonly report: Pick<QuickstartReport, 'images' | 'ancestor' | 'auxiliaries' | 'initialisers' | 'fineTuning' | 'descendants' | 'evaluation' | 'storage'>
  readonly times: { readonly [stage: string]: number }
  /** The pool's files by name. */
  readonly pool: Map<string, Uint8Array>
}

const EVALUATION_BATCH = 50

/**
 * The whole method once: ancestor -> auxiliaries -> pool -> stitches -> fine-tuned descendants, evaluated. Every member of the group runs it
 * with the same input and does its share of each batch.
 */
export async function runPipeline(group: Group, input: PipelineInput, report: Reporter): Promise<PipelineResult> {
  const { config, seed, train, test } = input
  const rng = createRng(seed)
  const times: { [stage: string]: number } = {}
  const stage = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    report({ kind: 'stage', name })
    const started = performance.now()
    const result = await run()
    times[name] = (performance.now() - started) / 1000
    return result
  }
  const onBatch = (done: number, total: number) => report({ kind: 'progress', done, total })

  const { network: ancestor, details } = await loadModel(input.ancestor, { name: 'ancestor' })
  const normalisation = details.normalisation as unknown as Normalisation
  const images = splitImages(train, test, config, normalisation, rng)

  const { teacher, ancestorAccuracy } = await stage('ancestor: features and accuracy', async () => {
    const features = ancestorFeatures(ancestor, config)
    const teacher = await cachedTeacher(ancestor, features, images.training, { batchSize: EVALUATION_BATCH, group, onBatch })
    const [ancestorAccuracy] = await accuracies([ancestor], images.test, { batchSize: EVALUATION_BATCH, group })
    return { teacher, ancestorAccuracy: ancestorAccuracy! }
  })

  const auxiliaries: { tier: Tier; losses: Float32Array }[] = []
  for (const spec of config.auxiliaries) {
    auxiliaries.push(
      await stage(`distil width ${spec.width}, depth ${spec.depth}`, () =>
        distill(ancestor, spec, images.training, { ...config.distillation, teacher, group, report }, rng.fork(`distil ${spec.width}x${spec.depth}`)),
      ),
    )
  }

  const pool = buildPool(auxiliaries.map(({ tier }) => tier), { details: { ...details, source: 'quickstart' } }, rng.fork('pool'))
  try {
    const paths = [...pool.space.enumerate()]
    const rows = await stage('compare stitches before fine-tuning', () => compareInitialisers(pool, paths, images, config, group, rng))

    const losses = await stage('fine-tune the pool', () =>
      fineTune(pool, images.training, { ...config.fineTuning, teacher, group, report }, rng.fork('fine-tune')),
    )

    const networks = descendantsOf(pool, paths)
    const [validation, tested] = await stage('evaluate every descendant', async () => [
      await accuracies(networks, images.validation, { batchSize: EVALUATION_BATCH, group }),
      await accuracies(networks, images.test, { batchSize: EVALUATION_BATCH, group, onBatch }),
    ])

    return {
      times,
      pool: await encodePool(pool),
      report: {
        images: { training: images.training.length, validation: images.validation.length, test: images.test.length },
        ancestor: {
          ...sizeOf(ancestor),
          width: ancestor.embedding.width,
          depth: ancestor.blocks.length,
          testAccuracy: ancestorAccuracy,
        },
        auxiliaries: auxiliaries.map(({ tier, losses }, i) => ({
          ...config.auxiliaries[i]!,
          name: tier.name,
          ...sizeOf(tier.network),
          ...lossSummary(losses),
        })),
        initialisers: { images: config.comparisonImages, rows },
        fineTuning: { ...lossSummary(losses), initialiser: config.initialisers[0]! },
        descendants: describeDescendants(pool, paths, validation!, tested!),
        evaluation: evaluationMacs(networks),
        storage: describeStorage(pool, paths, ancestor, config),
      },
    }
  } finally {
    disposePool(pool)
    disposeNetwork(ancestor)
  }
}

/** All features of the ancestor that the distillations ask for. */
function ancestorFeatures(ancestor: Network, config: QuickstartConfig): string[] {
  const names = config.auxiliaries.flatMap(
    (spec) => withoutWeights(() => createDistillation(ancestor, spec, {}, createRng(0))).ancestorFeatures,
  )
  return [...new Set(names)]
}
