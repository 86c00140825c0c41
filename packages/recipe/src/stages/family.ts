import type { JsonObject } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import {
  ancestorTier,
  buildPool,
  costBins,
  descendantsOf,
  disposePool,
  fineTune,
  type Outcomes,
  outcomes,
  type PathPolicy,
  type Pool,
} from '@learngene/learngene-pool'
import { costOfPath, formatPath, type StitchedPath, type Tier } from '@learngene/stitch'
import type { Group } from '@learngene/training'
import { compareInitialisers, stitchAnew } from '../compare-initialisers.js'
import { describeLosses } from '../describe.js'
import { accuracyOf, decodeOutcomes, encodeOutcomes, OUTCOMES, type RunOutcomes } from '../outcomes.js'
import type { Stage, StageContext, StageInputs, StageResult } from '../plan.js'
import { EVALUATION_BATCH, type RunAncestor, type Session } from '../session.js'
import { decodeFamily, decodeTier, encodeFamily, tierLabel } from './tiers.js'
import { augmentationOf, controlOf, ownOf, planOf, settingsOf } from './training.js'

/**
 * The pool before and after its tiers are trained: stitched untrained by several initialisers and evaluated; stitched anew; tuned; evaluated.
 *
 * @param top the stage whose artifact is the ancestor
 */
export function familyStages(session: Session, data: string, top: string): Stage[] {
  const { recipe } = session
  const { seed, labelWeight, fineTuning, space, stitch = null, featureImages, comparisonImages, heldOutImages } = recipe
  const { blocks, spaces, policy } = recipe.registry ?? {}
  const kinds = [
    { of: space.kind, ...ownOf(spaces, space.kind) },
    { of: stitch?.kind ?? null, ...ownOf(blocks, stitch?.kind) },
  ].filter((each) => 'own' in each)
  const { start, ancestorTier } = recipe
  const stitching = settingsOf({
    space,
    stitch,
    featureImages,
    seed,
    ...(kinds.length > 0 && { kinds }),
    ...(!ancestorTier && { ancestorTier }),
  })
  const initialisers = recipe.initialisers.map((name) => textOf(recipe.registry?.initialisers?.[name]) ?? name)
  const trained = recipe.tiers.map((tier) => `tier:${tierLabel(tier)}`)
  // Random weights are no family before they are trained.
  const first = start === 'random' ? trained : recipe.tiers.map((tier) => `inherit:${tierLabel(tier)}`)
  const fingerprints = { data }
  return [
    {
      name: 'pool',
      title: 'stitch the untrained tiers, by several initialisers',
      needs: [top, ...first],
      settings: { ...stitching, initialisers, comparisonImages, heldOutImages },
      fingerprints,
      run: (_, inputs) =>
        withFamily(session, inputs, top, first, async (pool, ancestor) => {
          const { rng, group } = session
          const rows = await compareInitialisers(pool, [...pool.space.enumerate()], session.images(ancestor), recipe, group, rng)
          return { files: await encodeFamily(pool), info: { rows } as unknown as JsonObject }
        }),
    },
    {
      name: 'preview',
      title: 'evaluate the untrained family on test images',
      needs: [top, 'pool'],
      settings: {},
      fingerprints,
      ...evaluated(session, (inputs, use) => withPool(session, inputs, top, 'pool', use), preview),
    },
    {
      name: 'stitches',
      title: 'stitch the distilled tiers',
      needs: [top, ...trained],
      settings: { ...stitching, initialiser: initialisers[0]! },
      fingerprints,
      run: (_, inputs) =>
        withFamily(session, inputs, top, trained, async (pool, ancestor) => {
          await stitchAnew(pool, session.images(ancestor), recipe, session.rng)
          return { files: await encodeFamily(pool) }
        }),
    },
    {
      name: 'tune',
      title: 'tune the pool',
      needs: [top, 'stitches'],
      settings: settingsOf({
        fineTuning,
        labelWeight,
        seed,
        moving: movingTiers(session),
        augmentation: augmentationOf(session),
        policy,
      }),
      fingerprints,
      run: (context, inputs) =>
        withPool(session, inputs, top, 'stitches', async (pool, ancestor) => {
          const losses = await tune(context, session, pool, ancestor)
          return { files: await encodeFamily(pool), info: { ...describeLosses(losses) } }
        }),
    },
    {
      name: 'evaluate',
      title: 'evaluate every descendant',
      needs: [top, 'preview', 'tune'],
      // Runs of versions that kept no outcomes evaluate anew.
      settings: { moving: movingTiers(session), outcomes: 1 },
      fingerprints,
      ...evaluated(session, (inputs, use) => withPool(session, inputs, top, 'tune', use), evaluateTuned),
    },
  ]
}

/** What some paths make of the images, in their order; parts that are not looked at are left out. */
type Measure = (
  context: StageContext,
  at: { readonly session: Session; readonly pool: Pool; readonly ancestor: RunAncestor; readonly inputs: StageInputs },
  paths: readonly StitchedPath[],
) => Promise<Measured>

type Measured = { readonly [part in 'validation' | 'test']?: readonly Outcomes[] }

const preview: Measure = async (context, { session, pool, ancestor }, paths) => ({
  test: await outcomesOf(context, session, pool, paths, session.images(ancestor).test),
})

/** On test images only what has been trained: the rest is as the preview saw it. */
const evaluateTuned: Measure = async (context, { session, pool, ancestor, inputs }, paths) => {
  const images = session.images(ancestor)
  const validation = await outcomesOf(context, session, pool, paths, images.validation)
  const { preview } = inputs
  const before = preview!.manifest.files[OUTCOMES] ? byPath(await decodeOutcomes(await preview!.read(OUTCOMES)), 'test') : undefined
  const moved = paths.filter((path) => !before || moves(session, pool, path))
  const again = await outcomesOf(context, session, pool, moved, images.test)
  const test = paths.map((path) => again[moved.indexOf(path)] ?? before!.get(textOfPath(path))!)
  return { validation, test }
}

/** A stage that measures every path, as a whole or in shares of consecutive paths. What shares have measured is taken from them, bit for bit. */
function evaluated(
  session: Session,
  withIts: (inputs: StageInputs, use: Use<StageResult>) => Promise<StageResult>,
  measure: Measure,
): Required<Pick<Stage, 'run' | 'share'>> {
  return {
    run: (context, inputs) =>
      withIts(inputs, async (pool, ancestor) => {
        const paths = [...pool.space.enumerate()]
        const shares = await measuredShares(context)
        const isKnown = await agreedOn(session.group, context.stage, paths, (path) => shares.has(textOfPath(path)))
        const rest = paths.filter((_, i) => !isKnown[i])
        const found = rest.length > 0 ? await measure(context, { session, pool, ancestor, inputs }, rest) : {}
        // Other members than the first have none of the shares, and their artifact is not kept.
        const all = (part: keyof Measured) => {
          const rows = paths.map((path) => found[part]?.[rest.indexOf(path)] ?? shares.get(textOfPath(path))?.[part])
          return rows.every((row) => row !== undefined) ? rows : undefined
        }
        return measuredResult(paths, { validation: all('validation'), test: all('test') })
      }),
    share: (context, inputs, { part, of }) =>
      withIts(inputs, async (pool, ancestor) => {
        const paths = [...pool.space.enumerate()]
        const own = paths.slice(Math.floor(((part - 1) * paths.length) / of), Math.floor((part * paths.length) / of))
        return measuredResult(own, own.length > 0 ? await measure(context, { session, pool, ancestor, inputs }, own) : {})
      }),
  }
}

/** By path, what the shares of a stage have measured. Their cost is the stage's. */
async function measuredShares(context: StageContext): Promise<Map<string, { readonly [part in keyof Measured]: Outcomes }>> {
  const known = new Map<string, { readonly [part in keyof Measured]: Outcomes }>()
  for (const share of await context.shares()) {
    const { images, macs } = share.manifest.account ?? {}
    context.account.add({ images, macs })
    const outcomes = await decodeOutcomes(await share.read(OUTCOMES))
    const [validation, test] = [byPath(outcomes, 'validation'), byPath(outcomes, 'test')]
    for (const path of outcomes.paths) known.set(path, { validation: validation.get(path), test: test.get(path) })
  }
  return known
}

function byPath(outcomes: RunOutcomes, part: keyof Measured): Map<string, Outcomes> {
  return new Map(outcomes[part].map((row, i) => [outcomes.paths[i]!, row]))
}

/** What rank 0 says of each, known to all members. */
async function agreedOn<T>(group: Group, label: string, items: readonly T[], say: (item: T) => boolean): Promise<boolean[]> {
  if (group.size === 1) return items.map(say)
  const shared = new Uint8Array(await group.share(`shares of ${label}`, items.length))
  if (group.rank === 0) shared.set(items.map((item) => Number(say(item))))
  group.barrier()
  return Array.from(shared, Boolean)
}

function measuredResult(paths: readonly StitchedPath[], { validation, test }: Measured): StageResult {
  const info = { ...(validation && { validation: validation.map(accuracyOf) }), ...(test && { test: test.map(accuracyOf) }) }
  return { files: { [OUTCOMES]: encodeOutcomes({ paths: textsOf(paths), validation, test }) }, info }
}

const textOf = (value: unknown) => (typeof value === 'function' ? String(value) : undefined)

/** Whether each tier of the recipe is trained; the others follow the ancestor closely enough, and stay. */
const movingTiers = ({ recipe }: Session): boolean[] => recipe.tiers.map(({ epochs }) => epochs > 0)

const movingNames = (session: Session, pool: Pool) => pool.tiers.filter((_, i) => movingTiers(session)[i]).map(({ name }) => name)

/** Whether a path runs blocks of a tier that is trained. */
export function moves(session: Session, pool: Pool, { path }: StitchedPath): boolean {
  const names = movingNames(session, pool)
  return path.segments.some(({ tier }) => names.includes(tier))
}

async function tune(context: StageContext, session: Session, pool: Pool, ancestor: RunAncestor): Promise<Float32Array> {
  const { fineTuning: given, registry } = session.recipe
  const { paths: drawn = 'costBins', labelWeight = session.recipe.labelWeight, ...fineTuning } = given
  const paths = [...pool.space.enumerate()]
  const moving = paths.filter((path) => moves(session, pool, path))
  if (moving.length === 0 || fineTuning.epochs === 0) return new Float32Array()
  const images = session.images(ancestor)
  const teacher = await session.teacher(ancestor, context.report)
  const names = movingNames(session, pool)
  const frozen = pool.tiers.map(({ name }) => name).filter((name) => !names.includes(name))
  const alike: PathPolicy = (rng) => moving[rng.integer(moving.length)]!
  const byCost = () => costBins({ enumerate: () => moving }, (path) => costOfPath(pool, path).macs)
  const policy = registry?.policy ?? (drawn === 'uniform' ? alike : byCost())
  const middle = descendantsOf(pool, moving)[Math.floor(moving.length / 2)]!
  const control = await controlOf(context, { batchSize: fineTuning.batchSize, trained: middle })
  const options = { ...planOf(fineTuning, images.validation), labelWeight, teacher, policy, frozen, ...control }
  return fineTune(pool, images.augmented, options, session.rng.fork('fine-tune'))
}

const textOfPath = ({ path }: StitchedPath) => formatPath(path)

const textsOf = (paths: readonly StitchedPath[]) => paths.map(textOfPath)

function outcomesOf(
  { report, signal, account }: StageContext,
  { group }: Session,
  pool: Pool,
  paths: readonly StitchedPath[],
  source: ImageSource,
): Promise<Outcomes[]> {
  if (paths.length === 0) return Promise.resolve([])
  account.add({ images: source.length })
  const onBatch = (done: number, total: number) => report({ kind: 'progress', done, total })
  return outcomes(descendantsOf(pool, paths), breathing(source), { batchSize: EVALUATION_BATCH, group, signal, onBatch })
}

/** Lets timers run between two batches, that of a lock among them: some backends never return to the event loop by themselves. */
function breathing(source: ImageSource): ImageSource {
  return {
    ...source,
    async batch(indices, context) {
      await new Promise((resolve) => setTimeout(resolve))
      return source.batch(indices, context)
    },
  }
}

type Use<T> = (pool: Pool, ancestor: RunAncestor) => Promise<T>

/** A pool of the tiers of some stages and of the ancestor, with random stitches. */
async function withFamily<T>(session: Session, inputs: StageInputs, top: string, stages: readonly string[], use: Use<T>): Promise<T> {
  const { recipe, rng } = session
  const ancestor = await session.ancestor(inputs[top]!)
  const tiers: Tier[] = []
  try {
    for (const stage of stages) tiers.push(await decodeTier(inputs[stage]!, session))
    if (recipe.ancestorTier) tiers.push(ancestorTier(ancestor.network, { parts: recipe.registry }))
    const { space, stitch, registry } = recipe
    const pool = buildPool(tiers, { space, stitch, parts: registry, spaces: registry?.spaces, details: ancestor.details }, rng.fork('pool'))
    try {
      return await use(pool, ancestor)
    } finally {
      disposePool({ tiers: [], stitches: pool.stitches })
    }
  } finally {
    disposePool({ tiers, stitches: new Map() })
  }
}

export async function withPool<T>(session: Session, inputs: StageInputs, top: string, stage: string, use: Use<T>): Promise<T> {
  const ancestor = await session.ancestor(inputs[top]!)
  const pool = await decodeFamily(inputs[stage]!, session)
  try {
    return await use(pool, ancestor)
  } finally {
    disposePool(pool)
  }
}
