import type { JsonObject } from '@learngene/interfaces'
import {
  ancestorTier,
  buildPool,
  costBins,
  descendantsOf,
  disposePool,
  fineTune,
  type Outcomes,
  outcomes,
  type Pool,
} from '@learngene/learngene-pool'
import { costOfPath, formatPath, type StitchedPath, type Tier } from '@learngene/stitch'
import { compareInitialisers, stitchAnew } from '../compare-initialisers.js'
import { describeLosses } from '../describe.js'
import { accuracyOf, decodeOutcomes, encodeOutcomes, OUTCOMES } from '../outcomes.js'
import type { Stage, StageContext, StageInputs } from '../plan.js'
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
  const stitching = settingsOf({ space, stitch, featureImages, seed, ...(kinds.length > 0 && { kinds }) })
  const initialisers = recipe.initialisers.map((name) => textOf(recipe.registry?.initialisers?.[name]) ?? name)
  const inherited = recipe.tiers.map((tier) => `inherit:${tierLabel(tier)}`)
  const trained = recipe.tiers.map((tier) => `tier:${tierLabel(tier)}`)
  const fingerprints = { data }
  return [
    {
      name: 'pool',
      title: 'stitch the untrained tiers, by several initialisers',
      needs: [top, ...inherited],
      settings: { ...stitching, initialisers, comparisonImages, heldOutImages },
      fingerprints,
      run: (_, inputs) =>
        withFamily(session, inputs, top, inherited, async (pool, ancestor) => {
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
      run: (context, inputs) =>
        withPool(session, inputs, top, 'pool', async (pool, ancestor) => {
          const paths = [...pool.space.enumerate()]
          const test = await outcomesOf(context, session, pool, paths, session.images(ancestor).test)
          return { files: { [OUTCOMES]: encodeOutcomes({ paths: textsOf(paths), test }) }, info: { test: test.map(accuracyOf) } }
        }),
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
      run: (context, inputs) =>
        withPool(session, inputs, top, 'tune', async (pool, ancestor) => {
          const { validation, test } = session.images(ancestor)
          const paths = [...pool.space.enumerate()]
          const chosenBy = await outcomesOf(context, session, pool, paths, validation)
          const before = inputs.preview!.manifest.files[OUTCOMES] && (await decodeOutcomes(await inputs.preview!.read(OUTCOMES))).test
          const moved = paths.flatMap((path, i) => (!before || moves(session, pool, path) ? [i] : []))
          const again = await outcomesOf(context, session, pool, moved.map((i) => paths[i]!), test) // biome-ignore format: short
          const tested = paths.map((_, i) => again[moved.indexOf(i)] ?? before![i]!)
          return {
            files: { [OUTCOMES]: encodeOutcomes({ paths: textsOf(paths), validation: chosenBy, test: tested }) },
            info: { validation: chosenBy.map(accuracyOf), test: tested.map(accuracyOf) },
          }
        }),
    },
  ]
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
  const { fineTuning, labelWeight, registry } = session.recipe
  const paths = [...pool.space.enumerate()]
  const moving = paths.filter((path) => moves(session, pool, path))
  if (moving.length === 0 || fineTuning.epochs === 0) return new Float32Array()
  const images = session.images(ancestor)
  const teacher = await session.teacher(ancestor, context.report)
  const names = movingNames(session, pool)
  const frozen = pool.tiers.map(({ name }) => name).filter((name) => !names.includes(name))
  const policy = registry?.policy ?? costBins({ enumerate: () => moving }, (path) => costOfPath(pool, path).macs)
  const middle = descendantsOf(pool, moving)[Math.floor(moving.length / 2)]!
  const control = await controlOf(context, { batchSize: fineTuning.batchSize, trained: middle })
  const options = { ...planOf(fineTuning, images.validation), labelWeight, teacher, policy, frozen, ...control }
  return fineTune(pool, images.augmented, options, session.rng.fork('fine-tune'))
}

const textsOf = (paths: readonly StitchedPath[]) => paths.map(({ path }) => formatPath(path))

function outcomesOf(
  { report, signal, account }: StageContext,
  { group }: Session,
  pool: Pool,
  paths: readonly StitchedPath[],
  source: ReturnType<Session['images']>['test'],
): Promise<Outcomes[]> {
  if (paths.length === 0) return Promise.resolve([])
  account.add({ images: source.length })
  const onBatch = (done: number, total: number) => report({ kind: 'progress', done, total })
  return outcomes(descendantsOf(pool, paths), source, { batchSize: EVALUATION_BATCH, group, signal, onBatch })
}

type Use<T> = (pool: Pool, ancestor: RunAncestor) => Promise<T>

/** A pool of the tiers of some stages and of the ancestor, with random stitches. */
async function withFamily<T>(session: Session, inputs: StageInputs, top: string, stages: readonly string[], use: Use<T>): Promise<T> {
  const { recipe, rng } = session
  const ancestor = await session.ancestor(inputs[top]!)
  const tiers: Tier[] = []
  try {
    for (const stage of stages) tiers.push(await decodeTier(inputs[stage]!, session))
    tiers.push(ancestorTier(ancestor.network, { parts: recipe.registry }))
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
