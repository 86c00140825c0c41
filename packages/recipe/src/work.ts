import type { Parameters } from '@learngene/interfaces/tensors'
import { ancestorTier, buildPool, createAuxiliary, descendantsOf, disposePool, poolParameters } from '@learngene/learngene-pool'
import type { StitchedPath } from '@learngene/stitch'
import { createRng, type TrainingPrecision } from '@learngene/training'
import { buildNetwork, disposeNetwork, type Network, structureOf } from '@learngene/vit-blocks'
import { headsOf } from './describe.js'
import { type Recipe, recipeDefaults, type Training } from './recipe.js'
import { EVALUATION_BATCH } from './session.js'
import { classifierOf, untrainedAncestor } from './stages/ancestor.js'
import { comparesFeatures } from './stages/tiers.js'

/** What a run has a network compute, many times. */
export interface Work {
  readonly network: Network
  /** Images that the network sees at a time. */
  readonly batch: number
  /** Forward and backward, or forward alone. */
  readonly what: 'train' | 'forward'
  /** What is trained, where it is not all of the network. */
  readonly parameters?: Parameters
  readonly precision: TrainingPrecision
  /** How many times, about. */
  readonly times: number
}

/** How much a recipe is run on. */
export interface WorkSize {
  /** Training images. */
  readonly images: number
  /** That they show; 0 where nothing is labelled. */
  readonly classes: number
  /** Whether images are augmented, so that the ancestor is run anew for each batch. */
  readonly augmented: boolean
  /** Members of the group, which share each batch; default 1. */
  readonly members?: number
}

/** Images that a path is evaluated on, by training image: a tenth each is held out for validation and for test, and what is trained is tested before and after. */
const EVALUATED = 0.3

/**
 * Where nearly all of a run's time goes, for whoever measures it before: the ancestor's training or adaptation, the distillation of tiers, tuning and evaluating paths, and the ancestor's
 * answers. Networks have the sizes that the run's will have, and weights that mean nothing. Left out are inheriting, the fitting of stitches, `baseline`, `nested` and evaluations while something
 * is trained.
 *
 * @returns the work, and what frees its networks
 * @throws what loading the ancestor and building the pool throw; nothing stays allocated then
 */
export async function workOf(
  recipe: Omit<Recipe, 'data'>,
  { images, classes, augmented, members = 1 }: WorkSize,
): Promise<{ readonly works: readonly Work[]; dispose(): void }> {
  const { tiers, distillation, fineTuning, registry, space, stitch, ancestorTier: isTier } = { ...recipeDefaults, ...recipe }
  const freed: (() => void)[] = []
  const dispose = () => {
    for (const free of freed.splice(0)) free()
  }
  const stepsOf = ({ batchSize, accumulate = 1, precision = 'float32' }: Training, epochs: number) => ({
    batch: batchSize / members / accumulate,
    times: Math.round(epochs * Math.floor(images / batchSize)) * accumulate,
    precision,
  })
  try {
    const ancestor = await ancestorOf(recipe, classes)
    freed.push(() => disposeNetwork(ancestor.network))
    const { network } = ancestor
    const students = tiers.map(({ width, depth = network.blocks.length, heads = headsOf(network) }) => {
      const student = createAuxiliary(network, { width, depth, heads }, createRng(0), registry)
      freed.push(() => disposeNetwork(student.network))
      return student
    })
    const family = isTier ? [...students, ancestorTier(network, { parts: registry })] : students
    if (isTier) freed.push(() => disposeNetwork(family.at(-1)!.network))
    const pool = buildPool(family, { space, stitch, parts: registry, spaces: registry?.spaces }, createRng(0))
    freed.push(() => disposePool({ tiers: [], stitches: pool.stitches }))

    const distilling = tiers.map(({ epochs }) => stepsOf(distillation, epochs))
    const moving = students.filter((_, i) => tiers[i]!.epochs > 0)
    const { instances, stitches } = poolParameters({ ...pool, tiers: moving })
    const names = moving.map(({ name }) => name)
    const all = [...pool.space.enumerate()]
    const moved = covering(all.filter(({ path }) => path.segments.some(({ tier }) => names.includes(tier))))
    const tuning = stepsOf(fineTuning, fineTuning.epochs)
    const paths = covering(all)
    const answers = (live: boolean, steps: readonly ReturnType<typeof stepsOf>[]) =>
      live ? steps.map((each): Work => ({ network, what: 'forward', ...each })) : []
    const asked = { distilling: augmented || comparesFeatures({ ...recipeDefaults, ...recipe }), tuning: augmented }
    const evaluating = { what: 'forward', batch: EVALUATION_BATCH, precision: 'float32' } as const
    const works: Work[] = [
      ...ancestor.trained.map(({ plan, parameters }): Work => ({ network, what: 'train', parameters, ...stepsOf(plan, plan.epochs) })),
      ...students.map(({ network }, i): Work => ({ network, what: 'train', ...distilling[i]! })),
      ...answers(asked.distilling, distilling),
      ...descendantsOf(pool, moved).map(
        (network): Work => ({
          ...{ network, what: 'train', parameters: { ...instances, ...stitches } },
          ...{ ...tuning, times: tuning.times / moved.length },
        }),
      ),
      ...answers(asked.tuning && moved.length > 0, [tuning]),
      // Kept once for all that asks for no more than logits of plain images.
      ...(asked.distilling && asked.tuning ? [] : [{ network, ...evaluating, times: Math.ceil(images / EVALUATION_BATCH / members) }]),
      ...descendantsOf(pool, paths).map((network) => ({
        ...{ network, ...evaluating },
        times: (all.length / paths.length) * Math.ceil((EVALUATED * images) / EVALUATION_BATCH / members),
      })),
    ]
    return { works: works.filter(({ times }) => times > 0), dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** The ancestor with the head that the tiers are cut with, and how it is trained before. */
async function ancestorOf({ ancestor, adaptation, registry }: Omit<Recipe, 'data'>, classes: number) {
  if (!('load' in ancestor)) {
    const { training: plan, ...shape } = ancestor
    return { network: untrainedAncestor(shape, classes, createRng(0), registry), trained: [{ plan, parameters: undefined }] }
  }
  const { network } = await ancestor.load()
  if (!adaptation || classes === 0 || network.head.classes === classes) return { network, trained: [] }
  const fresh = buildNetwork({ ...structureOf(network), classes }, registry, createRng(0))
  disposeNetwork(network)
  const { head, whole } = adaptation
  const trained = [
    { plan: head, parameters: classifierOf(fresh) },
    { plan: whole, parameters: undefined },
  ]
  return { network: fresh, trained }
}

/** As few of the paths as run every tier, and every stitch from one tier to another: those between other blocks of the two have the same sizes. */
function covering(paths: readonly StitchedPath[]): StitchedPath[] {
  const seen = new Set<string>()
  return paths.filter(({ path }) => {
    const parts = path.segments.flatMap(({ tier }, i) => [tier, ...(i > 0 ? [`${path.segments[i - 1]!.tier} ${tier}`] : [])])
    const isNew = parts.some((part) => !seen.has(part))
    for (const part of parts) seen.add(part)
    return isNew
  })
}
