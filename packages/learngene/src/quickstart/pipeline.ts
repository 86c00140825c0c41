import type { Normalisation } from '@learngene/datasets'
import { keptEnergy } from '@learngene/inherit'
import type { Budget, Dataset, Reporter, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import {
  accuracies,
  ancestorTier,
  buildPool,
  cachedTeacher,
  costBins,
  createAuxiliary,
  descendantsOf,
  disposePool,
  distill,
  encodePool,
  extractDescendant,
  fineTune,
  inheritTiers,
  openInheritance,
  type Pool,
  type Teacher,
} from '@learngene/learngene-pool'
import { costOfPath, formatPath, type StitchedPath } from '@learngene/stitch'
import { createRng, type Group } from '@learngene/training'
import { disposeNetwork, forward, loadModel, type ModelDetails, type Network, withoutWeights } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import { chooseDescendant } from './choose.js'
import { compareInitialisers, stitchAnew } from './compare-initialisers.js'
import type { QuickstartConfig } from './config.js'
import { describeDescendants, describeStorage, evaluationMacs, lossSummary, sizeOf } from './describe.js'
import { type QuickstartImages, splitImages } from './images.js'
import { type ComparisonRow, FAMILY_STAGES, type InitialiserRow, type QuickstartReport } from './report.js'

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
    | 'images'
    | 'ancestor'
    | 'auxiliaries'
    | 'inheriting'
    | 'initialisers'
    | 'fineTuning'
    | 'descendants'
    | 'comparison'
    | 'choices'
    | 'evaluation'
    | 'storage'
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
 * The whole method once: ancestor -> inherited tiers -> stitched pool, evaluated untrained -> distilled and tuned -> evaluated. Every member of the group runs it
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
    const family = await inheritFamily(context, ancestor, details)
    try {
      return { times, ...(await evaluateAndChoose(context, ancestor, family, budget)) }
    } finally {
      disposePool(family.pool)
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

/** The family before anything is trained. */
interface Family {
  readonly pool: Pool
  readonly paths: readonly StitchedPath[]
  readonly networks: readonly Network[]
  /** Names of the tiers that are trained: those with epochs of their own. The others follow the ancestor closely enough, and stay. */
  readonly trained: ReadonlySet<string>
  readonly initialisers: readonly InitialiserRow[]
  readonly inheriting: QuickstartReport['inheriting']
  /** Kept energy by tier. */
  readonly kept: readonly number[]
  /** Test accuracies by path. */
  readonly untrained: readonly number[]
}

/** Tiers cut out of the ancestor, the ancestor itself beside them, and their stitches: no labels, no training. */
async function inheritFamily(
  { config, images, rng, stage, group, report }: Context,
  ancestor: Network,
  details: ModelDetails,
): Promise<Family> {
  const { tiers, kept, energies } = await stage(FAMILY_STAGES.inherit, async () => {
    const indices = rng.fork('calibration images').permutation(images.training.length).slice(0, config.calibrationImages)
    const blockOrder = config.tiers.some(({ depth = ancestor.blocks.length }) => depth < ancestor.blocks.length)
    const from = await openInheritance(ancestor, images.training, { indices, blockOrder, report })
    try {
      const keptBy = (width: number) => keptEnergy(from.rotated.order, width)
      const specs = config.tiers.map(({ width, depth, heads }) => ({ width, depth, heads }))
      return {
        tiers: [...(await inheritTiers(ancestor, specs, images.training, { from, group, report })), ancestorTier(ancestor)],
        kept: [...config.tiers.map(({ width }) => keptBy(width)), 1],
        energies: eighths(ancestor.embedding.width).map((width) => ({ width, kept: keptBy(width) })),
      }
    } finally {
      from.dispose()
    }
  })
  const space = { kind: 'aligned', stride: config.stride } as const
  const pool = buildPool(tiers, { space, details: { ...details, source: 'quickstart' } }, rng.fork('pool'))
  const paths = [...pool.space.enumerate()]
  const networks = descendantsOf(pool, paths)
  const initialisers = await stage(FAMILY_STAGES.stitch, () => compareInitialisers(pool, paths, images, config, group, rng))
  const untrained = await stage('evaluate the untrained family on test images', () =>
    accuracies(networks, images.test, { batchSize: EVALUATION_BATCH, group, onBatch: progressTo(report) }),
  )
  const trained = new Set(config.tiers.flatMap(({ epochs }, i) => (epochs > 0 ? [tiers[i]!.name] : [])))
  return { pool, paths, networks, trained, initialisers, inheriting: { images: config.calibrationImages, energies }, kept, untrained }
}

/** Whether a path runs blocks of a tier that is trained. */
const isTrained = ({ trained }: Family, { path }: StitchedPath) => path.segments.some(({ tier }) => trained.has(tier))

/** Distils the tiers that are trained, stitches them anew, and tunes them in the pool around those that stay as they are. */
async function trainFamily(context: Context, ancestor: Network, family: Family) {
  const { config, images, rng, stage, group, report } = context
  const { pool, paths, trained } = family
  const { fineTuning, distillation, labelWeight } = config
  const teacher = await stage("the ancestor's answers to the training images", () =>
    cachedTeacher(ancestor, [], images.training, { batchSize: EVALUATION_BATCH, group, onBatch: progressTo(report) }),
  )
  const losses: Float32Array[] = []
  for (const [i, { width, epochs, learningRate = distillation.learningRate }] of config.tiers.entries()) {
    const start = pool.tiers[i]!
    const spec = { width, depth: start.network.blocks.length, heads: headsOf(start.network) }
    const plan = { ...distillation, epochs, learningRate, labelWeight, weights: logitsOnly, teacher, group, report, start }
    if (epochs === 0) losses.push(new Float32Array())
    else
      losses.push(
        (await stage(`distil ${start.name}`, () => distill(ancestor, spec, images.training, plan, rng.fork(`distil ${start.name}`))))
          .losses,
      )
  }
  await stage('stitch the distilled tiers anew', () => stitchAnew(pool, images, config, rng))
  const moving = { enumerate: () => paths.filter((path) => isTrained(family, path)) }
  const policy = costBins(moving, (path) => costOfPath(pool, path).macs)
  const frozen = pool.tiers.map(({ name }) => name).filter((name) => !trained.has(name))
  const tuned = await stage('tune the pool', () =>
    fineTune(pool, images.training, { ...fineTuning, labelWeight, teacher, policy, frozen, group, report }, rng.fork('fine-tune')),
  )
  return { teacher, losses, tuned }
}

/** Of narrow tiers that follow the ancestor already: terms of features cost more than they teach. */
const logitsOnly = { logit: 1, block: 0, attn: 0 }

/** The narrowest tier from random weights, with all the steps that the inherited one had: the method's paper beside ours, cheaply. */
async function compareRandom(
  { config, images, rng, stage, group, report }: Context,
  ancestor: Network,
  teacher: Teacher,
  pool: Pool,
): Promise<ComparisonRow[]> {
  const { width, epochs } = config.tiers[0]!
  if (epochs === 0) return []
  const { network: narrowest } = pool.tiers[0]!
  const spec = { width, depth: narrowest.blocks.length, heads: headsOf(narrowest), name: 'random' }
  const plan = {
    ...config.distillation,
    epochs,
    labelWeight: config.labelWeight,
    weights: logitsOnly,
    teacher,
    group,
    report,
    start: 'random' as const,
  }
  return stage('for comparison: the narrowest tier from random weights', async () => {
    const { tier } = await distill(ancestor, spec, images.training, plan, rng.fork('random start'))
    const [testAccuracy] = await accuracies([tier.network], images.test, { batchSize: EVALUATION_BATCH, group })
    const { macs } = sizeOf(tier.network)
    disposeNetwork(tier.network)
    return [
      {
        name: `width ${width} from random weights`,
        macs,
        testAccuracy: testAccuracy!,
        note: `distilled for the steps of ${pool.tiers[0]!.name}`,
      },
    ]
  })
}

const headsOf = (network: Network) => network.blocks[0]!.config.heads as number

/** Eight widths up to the ancestor's, as nearly as they divide. */
const eighths = (width: number) => [...new Set([1, 2, 3, 4, 5, 6, 7, 8].map((part) => Math.max(2, Math.round((part * width) / 8))))]

/** Every trained descendant evaluated, one chosen, and all of it described. */
async function evaluateAndChoose(
  context: Context,
  ancestor: Network,
  family: Family,
  budget: Budget,
): Promise<Omit<PipelineResult, 'times'>> {
  const { config, group, report, images, stage } = context
  const { pool, paths, networks, untrained } = family
  const { teacher, losses, tuned } = await trainFamily(context, ancestor, family)
  const score = (source: ImageSource, some = networks) =>
    accuracies(some, source, { batchSize: EVALUATION_BATCH, group, onBatch: progressTo(report) })
  const validation = await stage('evaluate every descendant on validation images', () => score(images.validation))
  const moved = paths.flatMap((path, i) => (isTrained(family, path) ? [i] : []))
  const tested = await stage('evaluate every trained descendant on test images', async () => {
    const scores = await score(images.test, moved.map((i) => networks[i]!)) // biome-ignore format: short
    return untrained.map((before, i) => scores[moved.indexOf(i)] ?? before)
  })
  const comparison = await compareRandom(context, ancestor, teacher, pool)

  const descendants = describeDescendants(pool, paths, { validation, tested, untrained })
  const bestWithin = (budget: Budget) => chooseDescendant(descendants, budget, (row) => row.validationAccuracy)
  const { chosen, runnerUp, whyRunnerUpLost } = await bestWithin(budget)
  const least = Math.min(...descendants.map(({ macs }) => macs))
  const choices = await Promise.all(
    config.budgets
      .filter((macs) => macs >= least)
      .map(async (macs) => {
        const { value } = (await bestWithin({ macs })).chosen
        return { budget: { macs }, path: value.path, macs: value.macs, testAccuracy: value.testAccuracy }
      }),
  )
  const alone = (name: string) => paths.findIndex(({ path }) => path.segments.length === 1 && path.segments[0]!.tier === name)
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
      ancestor: {
        ...sizeOf(ancestor),
        width: ancestor.embedding.width,
        depth: ancestor.blocks.length,
        testAccuracy: untrained[alone(pool.tiers.at(-1)!.name)]!,
      },
      auxiliaries: pool.tiers.map(({ name, network, standsFor = [] }, i) => ({
        name,
        width: network.embedding.width,
        depth: network.blocks.length,
        heads: headsOf(network),
        ...sizeOf(network),
        start: i < config.tiers.length ? 'inherit' : 'ancestor',
        standsFor,
        keptEnergy: family.kept[i]!,
        untrainedAccuracy: untrained[alone(name)]!,
        ...lossSummary(losses[i] ?? new Float32Array()),
      })),
      inheriting: family.inheriting,
      initialisers: { images: config.comparisonImages, rows: family.initialisers },
      fineTuning: { ...lossSummary(tuned), initialiser: config.initialisers[0]! } as QuickstartReport['fineTuning'],
      descendants,
      comparison,
      choices,
      evaluation: evaluationMacs(networks),
      storage: describeStorage(pool, paths, ancestor),
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
    const heads = headsOf(ancestor)
    const tiers = [...config.tiers, { width: ancestor.embedding.width }].map(
      ({ width, ...size }: { width: number; depth?: number; heads?: number }) =>
        createAuxiliary(ancestor, { heads, depth: ancestor.blocks.length, ...size, width }, createRng(0)),
    )
    const pool = buildPool(tiers, { space: { kind: 'aligned', stride: config.stride } }, createRng(0))
    return [...pool.space.enumerate()].map((path) => ({ path: formatPath(path.path), ...costOfPath(pool, path) }))
  })
  await chooseDescendant(rows, budget, () => 0)
}

/** Logits of the first images, image by image. */
async function firstLogits(network: Network, source: ImageSource, count: number): Promise<Float32Array> {
  const indices = Uint32Array.from({ length: count }, (_, i) => i)
  const { images, targets } = await source.batch(indices)
  const { logits } = forward(network, images)
  const values = await logits.data<'float32'>()
  dispose([images, targets, logits])
  return values
}
