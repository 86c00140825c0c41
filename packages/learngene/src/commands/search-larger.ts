import type { BackendName } from '@learngene/backends'
import { composeLatency, type LatencyProfile } from '@learngene/bench/latency'
import {
  type EvolutionaryResult,
  evolutionarySearch,
  exhaustiveSearch,
  randomSearch,
  type Scored,
  type SearchResult,
} from '@learngene/budget-search'
import type { Budget, Measures } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { accuracies, descendantBytes, descendantsOf, disposePool, type Pool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunImages } from '@learngene/recipe'
import type { RunReport } from '@learngene/recipe/reports'
import { costOfPath, descendantOf, findWithStitches, moreStitches, parsePath, type StitchedPath } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { interruptible } from '../interruptible.js'
import type { Objective } from '../latency/budget.js'
import { poolOfRun } from '../read-run.js'
import { commandText } from '../report/next.js'
import { registryOfRun } from '../run/own-values.js'
import { imagesOfRun } from '../run/recipe-of-run.js'
import { findStoredRun, RUN } from '../run/run-folder.js'
import { startBackend } from '../start-backend.js'
import type { ChoiceContext, FoundRow } from './run-rows.js'

/** A search of all paths that a pool's stitches make. */
export interface LargerOptions {
  /** At most so many on one path. */
  readonly stitches: number
  /** Paths that are evaluated, at most; as many again by the random search beside it. */
  readonly evaluations: number
  readonly seed: number
  /** What the images are evaluated on. */
  readonly backend: BackendName | 'auto'
  readonly caps: Budget
  readonly objective: Objective
  /** The least validation accuracy, where the objective is another. */
  readonly minAccuracy?: number
}

/** What was searched, and how well. */
export interface LargerSearch {
  readonly stitches: number
  readonly seed: number
  /** Paths of the space, in digits: there may be more than a number can tell. */
  readonly paths: string
  /** Of them evaluated on validation images, the run's own descendants among them. */
  readonly evaluated: number
  /** The best of them. */
  readonly best: BestFound
  /** Mean distance of predictions from scores that the predictor had not seen, and that of their mean; null where nothing was predicted. */
  readonly predictor: EvolutionaryResult<unknown>['predictor'] | null
  /** The best of as many random paths; null where all paths were evaluated. */
  readonly random: (BestFound & { readonly evaluated: number }) | null
}

export interface BestFound {
  readonly path: string
  readonly validationAccuracy: number
  readonly macs: number
  readonly latency?: number
}

/** Paths of a pool, evaluated. @see openLarger */
export interface Larger {
  /** @param profile where latency plays a part */
  search(profile?: LatencyProfile): Promise<{ readonly rows: readonly FoundRow[]; readonly summary: LargerSearch }>
  /** The accuracy on test images of paths that were found; of others than that none. */
  test(paths: readonly string[]): Promise<ReadonlyMap<string, number>>
  dispose(): void
}

/** Images that a network sees at a time. */
const BATCH = 50

/**
 * Opens the pool of a run for a search of all paths that its stitches make, on the validation images that its descendants were chosen on.
 *
 * @throws Error of one line where the pool or the images cannot be read, or the images are others than those of the run
 */
export async function openLarger(report: RunReport, options: LargerOptions, context: ChoiceContext): Promise<Larger> {
  const { run, signal } = context
  const dir = await poolOfRun(run, report)
  if (!(await findStoredRun(run)))
    throw new Error(
      `${run}: its images must be told by ${RUN}, and an earlier version, which wrote none, made the run; make it again with: ${commandText(report.command, '--out', run, '--force')}`,
    )
  let opened: { readonly pool: Pool; readonly images: RunImages } | undefined
  // Opened where it is searched: composing the times of descendants before has a backend of its own.
  const open = async () => {
    await startBackend(options.backend)
    const own = await registryOfRun(run)
    const pool = await loadPool(dir, { parts: own, spaces: own?.spaces })
    try {
      const images = await imagesOfRun(run, { network: pool.tiers.at(-1)!.network, details: pool.details })
      const heard = (source: ImageSource) => (signal ? interruptible(source, signal) : source)
      opened = { pool, images: { ...images, validation: heard(images.validation), test: heard(images.test) } }
      return opened
    } catch (error) {
      disposePool(pool)
      throw error
    }
  }
  return {
    search: async (profile) => search(await open(), report, options, context, profile),
    async test(paths) {
      const { pool, images } = opened!
      const found = paths.map((path) => findWithStitches(pool.space, parsePath(path))!)
      const tested = paths.length === 0 ? [] : await accuracies(descendantsOf(pool, found), images.test, { batchSize: BATCH, signal })
      return new Map(paths.map((path, i) => [path, tested[i]!]))
    },
    dispose() {
      if (opened) disposePool(opened.pool)
      opened = undefined
    },
  }
}

async function search(
  { pool, images }: { readonly pool: Pool; readonly images: RunImages },
  { descendants }: RunReport,
  { stitches, evaluations, seed, caps, objective, minAccuracy }: LargerOptions,
  { report, signal }: ChoiceContext,
  profile: LatencyProfile | undefined,
) {
  const paths = moreStitches(pool.space, stitches)
  const needsBytes = caps.bytes !== undefined || objective === 'bytes'
  const cost = (path: StitchedPath): Measures => ({
    ...costOfPath(pool, path),
    ...(needsBytes && { bytes: descendantBytes(pool, path) }),
    ...(profile && { latency: Number(composeLatency(profile, descendantOf(pool, path)).toPrecision(6)) }),
  })
  const space = { ...paths, cost }
  const known = new Map(descendants.map(({ path, validationAccuracy }) => [path, validationAccuracy]))
  // Of those that are accurate enough the cheapest is the best.
  const most = objective === 'accuracy' ? 1 : (minAccuracy ?? 1)
  const evaluator = async (values: readonly StitchedPath[]) => {
    const fresh = values.filter((value) => !known.has(paths.key(value)))
    const found = fresh.length === 0 ? [] : await accuracies(descendantsOf(pool, fresh), images.validation, { batchSize: BATCH, signal })
    for (const [i, value] of fresh.entries()) known.set(paths.key(value), found[i]!)
    return values.map((value) => Math.min(most, known.get(paths.key(value))!))
  }
  const by = objective === 'accuracy' ? (profile ? 'latency' : 'macs') : objective
  const accuracyOf = ({ key }: Scored<StitchedPath>) => known.get(key)!
  const bestOf = ({ chosen }: SearchResult<StitchedPath>): BestFound => {
    const { macs, latency } = chosen.measures
    return { path: chosen.key, validationAccuracy: accuracyOf(chosen), macs: macs!, ...(latency !== undefined && { latency }) }
  }
  const isSmall = paths.exactCount() <= BigInt(evaluations)
  const population = Math.min(32, Math.floor(Math.sqrt(evaluations)))
  const common = { cost: by, rng: createRng(seed), reporter: report }
  const generations = Math.floor(evaluations / population) - 1
  const result: SearchResult<StitchedPath> & Partial<EvolutionaryResult<StitchedPath>> = isSmall
    ? await exhaustiveSearch(space, evaluator, caps, { cost: by, reporter: report })
    : await evolutionarySearch(space, evaluator, caps, { ...common, population, generations })
  const evaluated = result.evaluated.length
  if (!isSmall) report({ kind: 'stage', name: 'random search beside it', total: evaluated })
  const random = isSmall
    ? undefined
    : await randomSearch(space, evaluator, caps, { ...common, evaluations: evaluated, batchSize: population })
  const summary: LargerSearch = {
    ...{ stitches, seed, paths: String(paths.exactCount()), evaluated, best: bestOf(result) },
    predictor: result.predictor ?? null,
    random: random ? { ...bestOf(random), evaluated: random.evaluated.length } : null,
  }
  const own = new Set(descendants.map(({ path }) => path))
  const others = new Map(
    [...result.evaluated, ...(random?.evaluated ?? [])].filter(({ key }) => !own.has(key)).map((each) => [each.key, each]),
  )
  const rows = [...others.values()].map((each): FoundRow => {
    const { macs, parameters, memory, bytes, latency } = each.measures
    const measures = { macs: macs!, parameters: parameters!, memory: memory!, ...(bytes !== undefined && { bytes }) }
    return { path: each.key, ...measures, ...(latency !== undefined && { latency }), validationAccuracy: accuracyOf(each) }
  })
  return { rows, summary }
}
