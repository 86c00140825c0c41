import { createAuxiliary } from '@learngene/learngene-pool'
import type { PlannedStage } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { createRng } from '@learngene/training'
import { costOf, createViT, disposeNetwork, type Network, withoutWeights } from '@learngene/vit-blocks'
import { loadAncestor } from '../run/build-recipe.js'
import type { RunConfig } from '../run/config.js'
import { startBackend } from '../start-backend.js'
import { imagesOfCell, type StudyCell, stagesOfStudy } from './study-folder.js'

/** What an estimate goes by. */
export interface CostModel {
  /** Of a width and depth of an ancestor. */
  macs(config: RunConfig, size?: { readonly width?: number; readonly depth?: number }): number
  readonly images: { readonly training: number; readonly validation: number; readonly test: number }
  /** Multiply-accumulates a second. */
  readonly rate: number
  readonly measured: boolean
}

/** A forward and a backward pass. */
const PASSES = 3

/** Where nothing has run yet: one thread of wasm on an ordinary core, small models. */
const ASSUMED_RATE = 1.5e9

/** Passes over the calibration images that rotating and fitting take, about. */
const FITTING_PASSES = 20

/** Ancestors of a study are few; what they cost is looked up once, and the rate is that of the trainings which ran. */
export async function costModelOf(
  dir: string,
  plans: readonly { readonly cell: StudyCell; readonly stages: readonly PlannedStage[] }[],
): Promise<CostModel> {
  const ancestors = new Map<string, Network>()
  const nameOf = ({ ancestor, model }: RunConfig) => JSON.stringify([ancestor, model])
  await startBackend('cpu')
  for (const { cell } of plans) {
    const name = nameOf(cell.config)
    if (!ancestors.has(name)) ancestors.set(name, await shapeOf(cell.config))
  }
  const known = new Map<string, number>()
  const first = plans[0]!.cell.config
  const datasets = await imagesOfCell(dir, first)
  const { trainingImages, validationImages = 0, testImages } = first.images
  const held = (datasets.validation ? 0 : validationImages) + (datasets.test ? 0 : (testImages ?? 0))
  const work = await worked(dir, plans)
  return {
    macs(config, { width, depth } = {}) {
      const network = ancestors.get(nameOf(config))!
      const key = JSON.stringify([nameOf(config), width, depth])
      const heads = (network.blocks[0]!.config.heads ?? 1) as number
      const spec = { width: width ?? network.embedding.width, depth: depth ?? network.blocks.length, heads }
      const macs = known.get(key) ?? withoutWeights(() => costOf(createAuxiliary(network, spec, createRng(0)).network).macs)
      known.set(key, macs)
      return macs
    },
    images: {
      training: trainingImages ?? Math.round(datasets.training.length - held),
      validation: datasets.validation?.length ?? validationImages,
      test: datasets.test?.length ?? testImages ?? Math.round(datasets.training.length / 10),
    },
    rate: work.seconds > 0 ? work.macs / work.seconds : ASSUMED_RATE,
    measured: work.seconds > 0,
  }
}

/** The ancestor's structure, without weights. */
async function shapeOf({ ancestor, model }: RunConfig): Promise<Network> {
  if (ancestor === 'train' && model) {
    const { training: _, imageSize, block: __, embedding: ___, head: ____, ...sizes } = model
    return withoutWeights(() => createViT({ ...sizes, imageSize: imageSize[0], classes: 10 }, createRng(0)))
  }
  const { network } = await loadAncestor(ancestor)
  disposeNetwork(network)
  return network
}

/** What trainings of the study have cost so far. */
async function worked(
  dir: string,
  plans: readonly { readonly stages: readonly PlannedStage[] }[],
): Promise<{ macs: number; seconds: number }> {
  const seen = new Set<string>()
  const total = { macs: 0, seconds: 0 }
  for (const { stages } of plans) {
    const store = diskStore(stagesOfStudy(dir), Object.fromEntries(stages.map(({ stage, key }) => [stage.name, key])))
    for (const { stage, key } of stages) {
      if (seen.has(key)) continue
      seen.add(key)
      const found = await store.find(stage.name)
      const account = found.state === 'whole' ? found.value.manifest.account : undefined
      if (!account || account.macs === 0) continue
      total.macs += account.macs
      total.seconds += account.seconds
    }
  }
  return total
}

/** Multiply-accumulates of a stage, about. */
export function macsOfStage(name: string, config: RunConfig, { macs, images }: CostModel): number {
  const [kind] = name.split(':') as [string]
  const { tiers, fineTuning, nested, calibrationImages, model, ancestorTier = true } = config
  const ofTiers = tiers.map((tier) => macs(config, tier))
  const mean = ofTiers.reduce((sum, each) => sum + each, 0) / tiers.length
  const paths = config.space.kind === 'twoWay' ? 14 : 4 * tiers.length
  const evaluated = (seen: number) => seen * (paths * mean + (ancestorTier ? macs(config) : 0))
  switch (kind) {
    case 'ancestor':
      return config.ancestor === 'train' ? PASSES * images.training * model!.training.epochs * macs(config) : 0
    case 'inherit':
      return FITTING_PASSES * calibrationImages * macs(config)
    case 'tier': {
      const i = tiers.findIndex(({ width, depth }) => name.startsWith(`tier:w${width}${depth === undefined ? '' : `d${depth}`}`))
      return PASSES * images.training * tiers[i]!.epochs * ofTiers[i]!
    }
    case 'pool':
      return evaluated(config.comparisonImages)
    case 'preview':
      return evaluated(images.test)
    case 'tune':
      return PASSES * images.training * fineTuning.epochs * mean
    case 'evaluate':
      return evaluated(images.validation + images.test)
    case 'nested':
      return PASSES * images.training * nested!.epochs * (nested!.sizesPerStep ?? 3) * mean
    default:
      return 0
  }
}
