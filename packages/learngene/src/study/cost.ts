import { createAuxiliary } from '@learngene/learngene-pool'
import type { Artifact } from '@learngene/recipe'
import { createRng } from '@learngene/training'
import { costOf, createViT, disposeNetwork, type Network, withoutWeights } from '@learngene/vit-blocks'
import { loadAncestor } from '../run/build-recipe.js'
import type { RunConfig } from '../run/config.js'
import { startBackend } from '../start-backend.js'
import { imagesOfCell, type StudyCell } from './study-folder.js'

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

/** Ancestors of a study are few; what they cost is looked up once, and the rate is that of the trainings which ran. @param accounts of the artifacts that stand */
export async function costModelOf(
  dir: string,
  plans: readonly { readonly cell: StudyCell }[],
  accounts: readonly Artifact['manifest']['account'][],
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
  const trained = accounts.flatMap((account) => (account && account.macs > 0 ? [account] : []))
  const seconds = trained.reduce((sum, account) => sum + account.seconds, 0)
  const rate = seconds > 0 ? trained.reduce((sum, account) => sum + account.macs, 0) / seconds : ASSUMED_RATE
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
    rate,
    measured: seconds > 0,
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
