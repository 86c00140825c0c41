import type { Reporter } from '@learngene/interfaces'
import type { ChunkStore } from '@learngene/learngene-pool'
import { alone, createRng, type Group } from '@learngene/training'
import { sha256 } from './canonical-json.js'
import { requireBatches } from './feasible.js'
import type { MetricsLog } from './metrics.js'
import { type PlannedStage, planStages, type Stage, shareOfName, stageOfShare } from './plan.js'
import { defineRecipe, type Recipe, settled } from './recipe.js'
import { FAMILY_STAGES } from './report.js'
import { runStages, type StageLock } from './run-stages.js'
import { openSession, type RunImages, type RunModel, type Session } from './session.js'
import { adaptStages, ancestorStage } from './stages/ancestor.js'
import { choiceStages, type FoundReport } from './stages/choice.js'
import { familyStages } from './stages/family.js'
import { nestedStages } from './stages/nested.js'
import { tierLabel, tierStages } from './stages/tiers.js'
import { type RunStatus, statusOf } from './status.js'
import type { Artifact, ArtifactStore, StageKeys } from './store.js'

export interface RunOptions {
  /** Where the artifacts are: `diskStore` of the entry `/node`, `opfsStore` or `memoryStore`; or a function of the stages' keys that gives it. */
  readonly store: ArtifactStore | ((keys: StageKeys) => ArtifactStore)
  /** Who runs it together; every member is given the same recipe. Default alone. */
  readonly group?: Group
  readonly report?: Reporter
  readonly signal?: AbortSignal
  /** Keeps losses and accuracies step by step. */
  readonly metrics?: MetricsLog
  /** Steps between two checkpoints inside a training; default 100. One is kept after a minute in any case. */
  readonly checkpointEvery?: number
  /** Keeps the ancestor's answers beyond the process, for each ancestor and images in another place; default in memory. */
  readonly answers?: (key: string) => ChunkStore
  /** Where others run stages of the same store at the same time. */
  readonly lock?: StageLock
}

/** How one stage is run. */
export interface RunStageOptions extends RunOptions {
  /** Also runs what it needs and does not stand; default an error that names it. */
  readonly withNeeds?: boolean
}

/** What a run ends with. */
export interface RunResult {
  readonly report: FoundReport
  /** Seconds by stage, over all the runs that it took. */
  readonly times: { readonly [stage: string]: number }
  /** The tuned pool, and the chosen descendant with its logits of the first test images. */
  readonly pool: Artifact
  readonly choice: Artifact
}

/**
 * Runs a recipe on the backend that is in use: all stages whose artifacts do not stand, in their order. Interrupted at any moment, the next call goes on where this one was, with the same
 * bits on the same machine and backend.
 *
 * @throws Error of one line when the recipe, its images or its ancestor cannot be; InfeasibleBudgetError where no descendant keeps the budget; the signal's reason
 */
export async function run(recipe: Recipe, options: RunOptions): Promise<RunResult> {
  return withStages(recipe, options, async (stages, session) => {
    requireBatches(session.recipe, session.datasets.training.length)
    const settled = await stageOptions(options, stages, session)
    await runStages(stages, settled)
    return resultOf(settled.store)
  })
}

/**
 * Runs one stage alone, whose needs stand; for clusters, which run a stage where there is room. Of a stage that evaluates a share too: `evaluate.2of4` measures the second quarter of the paths, and
 * the whole stage takes what shares have measured.
 *
 * @returns its artifact; of a share whose whole stage stands, that of the stage
 * @throws what {@link run} throws; Error naming what does not stand
 */
export async function runStage(recipe: Recipe, stage: string, options: RunStageOptions): Promise<Artifact> {
  const place = defineRecipe(recipe).tiers.findIndex((tier) => stage === `inherit:${tierLabel(tier)}`)
  const isCut = place >= 0 && !options.withNeeds
  return withStages(recipe, { ...options, ...(isCut && { tier: place }) }, async (stages, session) => {
    requireBatches(session.recipe, session.datasets.training.length)
    const settled = await stageOptions(options, stages, session)
    const { store } = settled
    const cut = shareOfName(stage)
    const whole = cut && (await planStages(stages)).find((each) => each.stage.name === cut.stage)
    if (!whole) {
      const only = options.withNeeds ? [...neededFor(stages, stage)] : [stage]
      await runStages(stages, { ...settled, only })
      return store.read(stage)
    }
    if (await stands(whole, settled)) return store.read(cut.stage)
    await runStages([...stages, stageOfShare(whole, cut.share)], { ...settled, only: [stage] })
    return store.read(stage)
  })
}

/** A stage with all that it needs, and what that needs. */
function neededFor(stages: readonly Stage[], name: string): ReadonlySet<string> {
  const needs = stages.find((stage) => stage.name === name)?.needs ?? []
  return new Set([...needs.flatMap((need) => [...neededFor(stages, need)]), name])
}

/** Whether a stage's artifact stands, as rank 0 finds it. */
async function stands({ stage, key }: PlannedStage, { store, group = alone }: { store: ArtifactStore; group?: Group }): Promise<boolean> {
  const shared = new Uint8Array(await group.share(`whole ${stage.name}`, 1))
  if (group.rank === 0) {
    const found = await store.find(stage.name)
    shared[0] = Number(found.state === 'whole' && found.value.manifest.key === key)
  }
  group.barrier()
  return shared[0] === 1
}

/** What has run of a recipe, what it cost, and what is next. */
export function status(recipe: Recipe, { store }: Pick<RunOptions, 'store'>): Promise<RunStatus> {
  return withStages(recipe, {}, async (stages) => statusOf(stages, await storeOf(store, stages)))
}

/** The stages of a recipe with their keys, in the order in which they run; nothing is run. */
export function plan(recipe: Recipe): Promise<readonly PlannedStage[]> {
  return withStages(recipe, {}, planStages)
}

/**
 * The images of a run that is finished, as a model of it takes them: the very parts that the run trained, chose and was tested on.
 *
 * @throws Error of one line where the run was evaluated on others, or not by this version
 */
export async function runImages(recipe: Recipe, model: RunModel, { store }: { readonly store: ArtifactStore }): Promise<RunImages> {
  const session = openSession(settled(defineRecipe(recipe)), { group: alone })
  const { depends } = (await store.read('evaluate')).manifest
  if (depends?.fingerprints.data !== (await fingerprintOf(session)))
    throw new Error(`${store.name}: the images must be those that the run was evaluated on; they are others, or were changed since`)
  return session.images(model)
}

/** The result of a run that is finished. @throws Error naming the stage that has not run */
export async function resultOf(store: ArtifactStore): Promise<RunResult> {
  const [pool, choice] = [await store.read('tune'), await store.read('choose')]
  const seconds = Object.fromEntries((await store.list()).map(({ stage, manifest }) => [stage, manifest.account?.seconds ?? 0]))
  const cut = Object.entries(seconds).reduce((total, [stage, time]) => total + (stage.startsWith('inherit:') ? time : 0), 0)
  const others = Object.entries(seconds).filter(([stage]) => !stage.startsWith('inherit:') && stage !== 'pool')
  const times = { [FAMILY_STAGES.inherit]: cut, [FAMILY_STAGES.stitch]: seconds.pool ?? 0, ...Object.fromEntries(others) }
  return { report: choice.info as unknown as FoundReport, times, pool, choice }
}

async function storeOf(store: RunOptions['store'], stages: readonly Stage[]): Promise<ArtifactStore> {
  if (typeof store !== 'function') return store
  return store(Object.fromEntries((await planStages(stages)).map(({ stage, key }) => [stage.name, key])))
}

const stageOptions = async (
  { store, group, report, signal, metrics, checkpointEvery, lock }: RunOptions,
  stages: readonly Stage[],
  { recipe }: Session,
) => ({
  store: await storeOf(store, stages),
  rng: createRng(recipe.seed),
  ...(group && { group }),
  ...(report && { report }),
  ...(signal && { signal }),
  ...(metrics && { metrics }),
  ...(checkpointEvery !== undefined && { checkpointEvery }),
  ...(lock && { lock }),
})

async function withStages<T>(
  recipe: Recipe,
  { group = alone, answers, tier }: Pick<RunOptions, 'group' | 'answers'> & { readonly tier?: number },
  use: (stages: readonly Stage[], session: Session) => Promise<T>,
): Promise<T> {
  const session = openSession(settled(defineRecipe(recipe)), { group, answers, ...(tier !== undefined && { tier }) })
  try {
    return await use(await stagesOf(session), session)
  } finally {
    session.dispose()
  }
}

/** All stages of a recipe. */
async function stagesOf(session: Session): Promise<readonly Stage[]> {
  const { adaptation } = session.recipe
  const data = await fingerprintOf(session)
  const top = adaptation ? 'adapt' : 'ancestor'
  return [
    ancestorStage(session, data),
    ...(adaptation ? adaptStages(session, data, adaptation) : []),
    ...tierStages(session, data, top),
    ...familyStages(session, data, top),
    ...nestedStages(session, data, top),
    ...choiceStages(session, data, top),
  ]
}

/** Of all images, in their parts. */
async function fingerprintOf({ datasets: { training, validation, test } }: Session): Promise<string> {
  const each = await Promise.all([training, validation, test].map((dataset) => dataset.fingerprint()))
  return sha256(each.join())
}
