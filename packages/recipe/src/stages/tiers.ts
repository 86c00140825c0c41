import { keptEnergy } from '@learngene/inherit'
import { buildPool, decodePool, disposePool, distill, encodePool, type Pool } from '@learngene/learngene-pool'
import type { Tier } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { describeLosses, headsOf } from '../describe.js'
import type { Stage } from '../plan.js'
import type { Recipe, TierPlan } from '../recipe.js'
import type { Session } from '../session.js'
import type { Artifact, Files } from '../store.js'
import { augmentationOf, controlOf, planOf, settingsOf } from './training.js'

/** What stages call a tier: its width, and what else is not the ancestor's. */
export const tierLabel = ({ width, depth, heads }: TierPlan) =>
  `w${width}${depth === undefined ? '' : `d${depth}`}${heads === undefined ? '' : `h${heads}`}`

/** For each tier: cut out of the ancestor and fitted to it, and then distilled; or distilled from random weights. @param top the stage whose artifact is the ancestor */
export function tierStages(session: Session, data: string, top: string): Stage[] {
  if (session.recipe.start === 'random') return session.recipe.tiers.map((plan) => drawnStage(session, data, top, plan))
  return session.recipe.tiers.flatMap((plan, index) => [inheritStage(session, data, top, index), distilStage(session, data, top, plan)])
}

function inheritStage(session: Session, data: string, top: string, index: number): Stage {
  const { tiers, calibrationImages, seed } = session.recipe
  const { width, depth, heads } = tiers[index]!
  return {
    name: `inherit:${tierLabel(tiers[index]!)}`,
    title: `cut width ${width} out of the ancestor`,
    needs: [top],
    settings: settingsOf({ width, depth, heads, calibrationImages, seed, kinds: session.recipe.registry?.kinds }),
    fingerprints: { data },
    async run({ report, signal, account }, inputs) {
      const ancestor = await session.ancestor(inputs[top]!)
      const inheritance = await session.inheritance(ancestor, report, signal)
      const inherited = await session.inherited(ancestor, report, signal)
      account.add({ images: calibrationImages })
      const { order } = inheritance.rotated
      const energies = eighths(ancestor.network.embedding.width).map((each) => ({ width: each, kept: keptEnergy(order, each) }))
      return { files: await encodeTier(inherited.get(index)!), info: { kept: keptEnergy(order, width), energies } }
    },
  }
}

function distilStage(session: Session, data: string, top: string, plan: TierPlan): Stage {
  const { distillation, seed } = session.recipe
  const { labelWeight = session.recipe.labelWeight } = distillation
  const { epochs, learningRate = distillation.learningRate } = plan
  const from = `inherit:${tierLabel(plan)}`
  return {
    name: `tier:${tierLabel(plan)}`,
    title: epochs === 0 ? `keep width ${plan.width} as it was cut` : `distil width ${plan.width}`,
    needs: [top, from],
    settings: settingsOf({ ...distillation, epochs, learningRate, labelWeight, seed, augmentation: augmentationOf(session) }),
    fingerprints: { data },
    async run(context, inputs) {
      if (epochs === 0) return { files: await filesOf(inputs[from]!), info: { ...describeLosses(new Float32Array()) } }
      const ancestor = await session.ancestor(inputs[top]!)
      const images = session.images(ancestor)
      const weights = distillation.weights ?? logitsOnly
      const teacher = await session.teacher(ancestor, context.report, comparesFeatures(session.recipe))
      const start = await decodeTier(inputs[from]!, session)
      const { embedding, blocks } = start.network
      const control = await controlOf(context, { batchSize: distillation.batchSize, trained: start.network })
      const training = { ...planOf(distillation, images.validation), epochs, learningRate, labelWeight, teacher, start, ...control }
      const spec = { width: embedding.width, depth: blocks.length, heads: headsOf(start.network) }
      const options = { ...training, parts: session.recipe.registry, weights }
      const { tier, losses } = await distill(ancestor.network, spec, images.augmented, options, session.rng.fork(`distil ${start.name}`))
      try {
        return { files: await encodeTier(tier), info: { ...describeLosses(losses) } }
      } finally {
        disposePool({ tiers: [tier], stitches: new Map() })
      }
    },
  }
}

/** A tier from random weights. */
function drawnStage(session: Session, data: string, top: string, plan: TierPlan): Stage {
  const { distillation, seed, registry } = session.recipe
  const { labelWeight = session.recipe.labelWeight } = distillation
  const { width, epochs, learningRate = distillation.learningRate } = plan
  return {
    name: `tier:${tierLabel(plan)}`,
    title: `distil width ${width} from random weights`,
    needs: [top],
    settings: settingsOf({
      ...distillation,
      ...{ start: 'random', plan, epochs, learningRate, labelWeight, seed, augmentation: augmentationOf(session) },
    }),
    fingerprints: { data },
    async run(context, inputs) {
      const ancestor = await session.ancestor(inputs[top]!)
      const images = session.images(ancestor)
      const teacher = await session.teacher(ancestor, context.report, comparesFeatures(session.recipe))
      const { depth = ancestor.network.blocks.length, heads = headsOf(ancestor.network) } = plan
      const control = await controlOf(context, { batchSize: distillation.batchSize, trained: ancestor.network })
      const training = { ...planOf(distillation, images.validation), epochs, learningRate, labelWeight, teacher, ...control }
      const options = { ...training, parts: registry, start: 'random' as const }
      const rng = session.rng.fork(`draw ${tierLabel(plan)}`)
      const { tier, losses } = await distill(ancestor.network, { width, depth, heads }, images.augmented, options, rng)
      try {
        return { files: await encodeTier(tier), info: { ...describeLosses(losses) } }
      } finally {
        disposePool({ tiers: [tier], stitches: new Map() })
      }
    },
  }
}

/** Whether the distillation of tiers looks at more of the ancestor than its logits; left out, a weight is not 0. */
export function comparesFeatures({ start, distillation }: Pick<Recipe, 'start' | 'distillation'>): boolean {
  const { block = 1, attn = 1 } = distillation.weights ?? (start === 'random' ? {} : logitsOnly)
  return block > 0 || attn > 0
}

/** Of narrow tiers that follow the ancestor already: terms of features cost more than they teach. */
export const logitsOnly = { logit: 1, block: 0, attn: 0 }

/** Eight widths up to the ancestor's, as nearly as they divide. */
const eighths = (width: number) => [...new Set([1, 2, 3, 4, 5, 6, 7, 8].map((part) => Math.max(2, Math.round((part * width) / 8))))]

/** All files of an artifact, as they are. */
async function filesOf(artifact: Artifact): Promise<Files> {
  const names = Object.keys(artifact.manifest.files)
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await artifact.read(name)] as const)))
}

/** A tier as a pool of its own. */
async function encodeTier(tier: Tier): Promise<Files> {
  return encodeFamily(buildPool([tier], { space: { kind: 'singleTiers' } }, createRng(0)))
}

export async function decodeTier(artifact: Artifact, session: Session): Promise<Tier> {
  return (await decodeFamily(artifact, session)).tiers[0]!
}

export const encodeFamily = async (pool: Pool): Promise<Files> => Object.fromEntries(await encodePool(pool))

/** The pool of an artifact; the caller frees it. */
export function decodeFamily(artifact: Artifact, { recipe }: Session): Promise<Pool> {
  return decodePool((file) => artifact.read(file), {
    parts: recipe.registry,
    spaces: recipe.registry?.spaces,
    name: artifact.stage,
  })
}
