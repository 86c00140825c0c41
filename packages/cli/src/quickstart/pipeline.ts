import type { Budget, Reporter } from '@learngene/interfaces'
import type { Dataset, ImageSource } from '@learngene/interfaces/tensors'
import {
  accuracies,
  buildPool,
  cachedTeacher,
  createAuxiliary,
  createDistillation,
  descendantsOf,
  disposePool,
  distill,
  encodePool,
  extractDescendant,
  fineTune,
} from '@learngene/learngene-pool'
import { costOfPath, formatPath, type Tier } from '@learngene/stitch'
import { createRng, type Group } from '@learngene/training'
import { disposeNetwork, forward, loadModel, type Network, withoutWeights } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import { chooseDescendant } from './choose.js'
import { compareInitialisers } from './compare-initialisers.js'
import type { QuickstartConfig } from './config.js'
import { describeDescendants, describeStorage, evaluationMacs, lossSummary, sizeOf } from './describe.js'
import { type Normalisation, splitImages } from './images.js'
import type { QuickstartReport } from './report.js'

/** What the pipeline works on; the same for every member of the group. */
export interface PipelineInput {
  readonly config: QuickstartConfig
  readonly seed: number
  /** Caps that the chosen descendant must keep. */
  readonly budget: Budget
  /** A safetensors file with `normalisation` in its details. */
  readonly ancestor: Uint8Array
  readonly train: Dataset
  readonly test: Dataset
}

/** What it found; the rest of the report is the caller's. */
export interface PipelineResult {
  readonly report: Pick<
    QuickstartReport,
    'images' | 'ancestor' | 'auxiliaries' | 'initialisers' | 'fineTuning' | 'descendants' | 'evaluation' | 'storage'
  >
  readonly times: { readonly [stage: string]: number }
  /** The pool's files by name. */
  readonly pool: Map<string, Uint8Array>
  readonly choice: {
    readonly path: string
    readonly runnerUp: string | null
    readonly why: string
    /** The chosen descendant as a standalone model file. */
    readonly model: Uint8Array
    /** Its logits inside the pool, of the first {@link VERIFIED_IMAGES} test images. */
    readonly logits: Float32Array
  }
}

/** Test images on which the extracted descendant is compared with the one inside the pool. */
export const VERIFIED_IMAGES = 64

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
  await requireFeasible(ancestor, config, input.budget)
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
        distill(
          ancestor,
          spec,
          images.training,
          { ...config.distillation, teacher, group, report },
          rng.fork(`distil ${spec.width}x${spec.depth}`),
        ),
      ),
    )
  }

  const pool = buildPool(
    auxiliaries.map(({ tier }) => tier),
    { details: { ...details, source: 'quickstart' } },
    rng.fork('pool'),
  )
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

    const descendants = describeDescendants(pool, paths, validation!, tested!)
    const { chosen, runnerUp, whyRunnerUpLost } = await chooseDescendant(descendants, input.budget, (row) => row.validationAccuracy)
    const path = paths[chosen.value.id]!

    return {
      times,
      pool: await encodePool(pool),
      choice: {
        path: chosen.key,
        runnerUp: runnerUp?.key ?? null,
        why: whyRunnerUpLost,
        model: await extractDescendant(pool, path),
        logits: await firstLogits(networks[chosen.value.id]!, images.test, VERIFIED_IMAGES),
      },
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
        descendants,
        evaluation: evaluationMacs(networks),
        storage: describeStorage(pool, paths, ancestor, config),
      },
    }
  } finally {
    disposePool(pool)
    disposeNetwork(ancestor)
  }
}

/** Fails before any work where no descendant can keep the budget. */
async function requireFeasible(ancestor: Network, config: QuickstartConfig, budget: Budget): Promise<void> {
  const rows = withoutWeights(() => {
    const tiers = config.auxiliaries.map((spec) => createAuxiliary(ancestor, spec, createRng(0)))
    const pool = buildPool(tiers, {}, createRng(0))
    return [...pool.space.enumerate()].map((path) => ({ path: formatPath(path.path), ...costOfPath(pool, path) }))
  })
  await chooseDescendant(rows, budget, () => 0)
}

/** Logits of the first images, image by image. */
async function firstLogits(network: Network, source: ImageSource, count: number): Promise<Float32Array> {
  const images = source.images(Uint32Array.from({ length: count }, (_, i) => i))
  const { logits } = forward(network, images)
  const values = await logits.data<'float32'>()
  dispose([images, logits])
  return values
}

/** All features of the ancestor that the distillations ask for. */
function ancestorFeatures(ancestor: Network, config: QuickstartConfig): string[] {
  const names = config.auxiliaries.flatMap(
    (spec) => withoutWeights(() => createDistillation(ancestor, spec, {}, createRng(0))).ancestorFeatures,
  )
  return [...new Set(names)]
}
