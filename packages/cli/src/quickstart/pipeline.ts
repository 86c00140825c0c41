import type { Normalisation } from '@learngene/datasets'
import type { Budget, Reporter, Rng } from '@learngene/interfaces'
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
  type Pool,
  type Teacher,
} from '@learngene/learngene-pool'
import { costOfPath, formatPath, type Tier } from '@learngene/stitch'
import { createRng, type Group } from '@learngene/training'
import { disposeNetwork, forward, loadModel, type ModelDetails, type Network, withoutWeights } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import { chooseDescendant } from './choose.js'
import { compareInitialisers } from './compare-initialisers.js'
import type { QuickstartConfig } from './config.js'
import { describeDescendants, describeStorage, evaluationMacs, lossSummary, sizeOf } from './describe.js'
import { type QuickstartImages, splitImages } from './images.js'
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
 *
 * @throws InfeasibleBudgetError before any work where no descendant can keep the budget
 */
export async function runPipeline(group: Group, input: PipelineInput, report: Reporter): Promise<PipelineResult> {
  const { config, budget } = input
  const { network: ancestor, details } = await loadModel(input.ancestor, { name: 'ancestor' })
  try {
    await requireFeasible(ancestor, config, budget)
    const rng = createRng(input.seed)
    const images = splitImages(input.train, input.test, config, details.normalisation as unknown as Normalisation, rng)
    const times: { [stage: string]: number } = {}
    const context: Context = { config, group, report, images, rng, stage: timedStages(report, times) }
    const distilled = await distilPool(context, ancestor, details)
    try {
      return { times, ...(await tuneAndChoose(context, ancestor, distilled, budget)) }
    } finally {
      disposePool(distilled.pool)
    }
  } finally {
    disposeNetwork(ancestor)
  }
}

interface Context {
  readonly config: QuickstartConfig
  readonly group: Group
  readonly report: Reporter
  readonly images: QuickstartImages
  readonly rng: Rng
  /** Runs one stage of the work and notes its time. */
  stage<T>(name: string, run: () => Promise<T>): Promise<T>
}

interface Distilled {
  readonly pool: Pool
  readonly teacher: Teacher
  readonly ancestorAccuracy: number
  /** The loss of each step, by auxiliary. */
  readonly losses: readonly Float32Array[]
}

/** The ancestor's features once, one auxiliary after the other, and the pool of them. */
async function distilPool(
  { config, group, report, images, rng, stage }: Context,
  ancestor: Network,
  details: ModelDetails,
): Promise<Distilled> {
  const { teacher, ancestorAccuracy } = await stage('ancestor: features and accuracy', async () => {
    const teacher = await cachedTeacher(ancestor, ancestorFeatures(ancestor, config), images.training, {
      batchSize: EVALUATION_BATCH,
      group,
      onBatch: progressTo(report),
    })
    const [ancestorAccuracy] = await accuracies([ancestor], images.test, { batchSize: EVALUATION_BATCH, group })
    return { teacher, ancestorAccuracy: ancestorAccuracy! }
  })
  const auxiliaries: { tier: Tier; losses: Float32Array }[] = []
  for (const spec of config.auxiliaries) {
    const { width, depth } = spec
    const options = { ...config.distillation, teacher, group, report }
    auxiliaries.push(
      await stage(`distil width ${width}, depth ${depth}`, () =>
        distill(ancestor, spec, images.training, options, rng.fork(`distil ${width}x${depth}`)),
      ),
    )
  }
  const tiers = auxiliaries.map(({ tier }) => tier)
  return {
    pool: buildPool(tiers, { details: { ...details, source: 'quickstart' } }, rng.fork('pool')),
    teacher,
    ancestorAccuracy,
    losses: auxiliaries.map(({ losses }) => losses),
  }
}

/** Stitches compared, the pool fine-tuned, every descendant evaluated and one chosen. */
async function tuneAndChoose(
  { config, group, report, images, rng, stage }: Context,
  ancestor: Network,
  { pool, teacher, ancestorAccuracy, losses }: Distilled,
  budget: Budget,
): Promise<Omit<PipelineResult, 'times'>> {
  const paths = [...pool.space.enumerate()]
  const networks = descendantsOf(pool, paths)
  const rows = await stage('compare stitches before fine-tuning', () => compareInitialisers(pool, paths, images, config, group, rng))
  const tuned = await stage('fine-tune the pool', () =>
    fineTune(pool, images.training, { ...config.fineTuning, teacher, group, report }, rng.fork('fine-tune')),
  )
  const score = (source: ImageSource) => accuracies(networks, source, { batchSize: EVALUATION_BATCH, group, onBatch: progressTo(report) })
  const validation = await stage('evaluate every descendant on validation images', () => score(images.validation))
  const tested = await stage('evaluate every descendant on test images', () => score(images.test))

  const descendants = describeDescendants(pool, paths, validation, tested)
  const { chosen, runnerUp, whyRunnerUpLost } = await chooseDescendant(descendants, budget, (row) => row.validationAccuracy)
  return {
    pool: await encodePool(pool),
    choice: {
      path: chosen.key,
      runnerUp: runnerUp?.key ?? null,
      why: whyRunnerUpLost,
      model: await extractDescendant(pool, paths[chosen.value.id]!),
      logits: await firstLogits(networks[chosen.value.id]!, images.test, VERIFIED_IMAGES),
    },
    report: {
      images: { training: images.training.length, validation: images.validation.length, test: images.test.length },
      ancestor: { ...sizeOf(ancestor), width: ancestor.embedding.width, depth: ancestor.blocks.length, testAccuracy: ancestorAccuracy },
      auxiliaries: pool.tiers.map(({ name, network }, i) => ({
        ...config.auxiliaries[i]!,
        name,
        ...sizeOf(network),
        ...lossSummary(losses[i]!),
      })),
      initialisers: { images: config.comparisonImages, rows },
      fineTuning: { ...lossSummary(tuned), initialiser: config.initialisers[0]! },
      descendants,
      evaluation: evaluationMacs(networks),
      storage: describeStorage(pool, paths, ancestor, config),
    },
  }
}

function timedStages(report: Reporter, times: { [stage: string]: number }): Context['stage'] {
  return async (name, run) => {
    report({ kind: 'stage', name })
    const started = performance.now()
    const result = await run()
    times[name] = (performance.now() - started) / 1000
    return result
  }
}

function progressTo(report: Reporter) {
  return (done: number, total: number) => report({ kind: 'progress', done, total })
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
  const indices = Uint32Array.from({ length: count }, (_, i) => i)
  await source.prepare?.(indices)
  const images = source.images(indices)
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
