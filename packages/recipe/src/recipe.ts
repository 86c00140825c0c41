import type { Augmentation } from '@learngene/datasets'
import type { PartWriters } from '@learngene/export'
import type { BlockKinds } from '@learngene/inherit'
import type { Budget, Dataset } from '@learngene/interfaces'
import type { DistillOptions, FineTuneOptions, Lessons, TrainingPlan } from '@learngene/learngene-pool'
import {
  checkSpace,
  initialisers,
  type Side,
  type SpaceRegistry,
  type SpaceSpec,
  type StitchInitialiser,
  standardSpaces,
} from '@learngene/stitch'
import { describe, type LoadedModel, type PartRegistry, type PartSpec, requireKeys } from '@learngene/vit-blocks'

/** From an ancestor and images to a family of models, and the best of them under a budget: all that a run does, in values. */
export interface Recipe {
  /** Of every random choice; default 0. */
  readonly seed?: number
  readonly ancestor: GivenAncestor | TrainedAncestor
  readonly data: RecipeData
  /** How the ancestor gets a head for the classes of the images; left out where it has it. */
  readonly adaptation?: Adaptation
  /** Cut out of the ancestor, ascending by width; the ancestor itself is the widest tier of the pool. */
  readonly tiers: readonly TierPlan[]
  /** Where tiers come from: cut out of the ancestor (default), or random weights, as in the paper and in SN-Net; then all of them are trained before they are stitched. */
  readonly start?: 'inherit' | 'random'
  /** Whether the ancestor is a tier of the pool, its widest; default true. */
  readonly ancestorTier?: boolean
  /** Unlabelled training images that the ancestor is watched on; default 128. */
  readonly calibrationImages?: number
  /** Of all tiers; their epochs are their own. */
  readonly distillation: Training & Pick<DistillOptions, 'weights' | 'supervision' | 'temperature' | 'extraTerms' | 'sides' | 'labelWeight'>
  /** Weight of the labels beside the ancestor's logits, where distillation or fine-tuning has none of its own; default 0.2. */
  readonly labelWeight?: number
  /** Default `{ kind: 'aligned', stride: 3 }`. */
  readonly space?: SpaceSpec
  /** What kind of block stitches are; default plain ones. */
  readonly stitch?: PartSpec
  /** Names of {@link Registry.initialisers}; the pool is stitched by the first, the others are compared with it before anything is trained. Default `['ridge']`. */
  readonly initialisers?: readonly string[]
  /** Training images whose features stitches are fitted to; default 64. */
  readonly featureImages?: number
  /** Validation images on which initialisers are compared, and the residuals of stitches measured; defaults 200 and 64. */
  readonly comparisonImages?: number
  readonly heldOutImages?: number
  readonly fineTuning: Training &
    Pick<Lessons, 'loss' | 'features' | 'labelWeight' | 'targets'> &
    FineTuningPaths & { readonly epochs: number }
  /** One network whose leading widths are a family, trained beside the pool for comparison; default none. */
  readonly nested?: NestedPlan
  /** Whether the narrowest tier is also trained from random weights, for comparison; default false. */
  readonly baseline?: boolean
  /** Hard caps that the chosen descendant keeps; default none. */
  readonly budget?: Budget
  /** MACs under which the report names the best descendant besides. */
  readonly budgets?: readonly number[]
  /** Kinds and functions of one's own, by the names that the recipe calls them. */
  readonly registry?: Registry
}

/** A model that is there. */
export interface GivenAncestor {
  /** What messages call it. */
  readonly name: string
  /** Tells it from others: a hash of its file, or an address with its revision. */
  readonly fingerprint: string
  load(): Promise<LoadedModel>
}

/** A ViT that the run trains from random weights. */
export interface TrainedAncestor {
  readonly width: number
  readonly depth: number
  readonly heads: number
  readonly patchSize: number
  /** [height, width] that pictures are brought to. */
  readonly imageSize: readonly [number, number]
  readonly channels: 1 | 3
  /** Kind of its blocks; its factory gets `width` and `heads` beside the configuration. Default the transformer block. */
  readonly block?: PartSpec
  /** Kinds of its embedding and head; default those of ViTs. */
  readonly embedding?: PartSpec
  readonly head?: PartSpec
  readonly training: Training & { readonly epochs: number }
}

export interface RecipeData {
  readonly training: Dataset
  /** Descendants are chosen on it; default held out from the training images. */
  readonly validation?: Dataset
  /** What is reported; default held out from the training images. */
  readonly test?: Dataset
  /** Images to hold out for each that is not given: a share below 1, or a number, the same of each class where it can be. Default 0.1. */
  readonly validationImages?: number
  readonly testImages?: number
  /** Use only so many of the other training images; default all. */
  readonly trainingImages?: number
  /** Of training images while something is trained. */
  readonly augmentation?: Augmentation
  /** Bytes of decoded pixels that are kept; default 1 GiB. */
  readonly memoryLimit?: number
}

/** A plan of training but for its epochs and images. */
export type Training = Omit<TrainingPlan, 'epochs' | 'validation'> & {
  /** Epochs between two evaluations on validation images; default none before the end. */
  readonly validateEpochs?: number
  /** Ends after so many evaluations without a better one, with the best weights. */
  readonly patience?: number
}

/** How a step of tuning draws its path where the registry has no policy: first a bin of MACs (default), or all paths alike. */
export interface FineTuningPaths {
  readonly paths?: 'costBins' | 'uniform'
}

/** Of a network whose leading widths are trained together. */
export type NestedPlan = Training &
  Pick<Lessons, 'labelWeight'> & {
    readonly epochs: number
    /** Ascending; the widest is the network's own. */
    readonly widths: readonly number[]
    /** The ancestor in principal order (default), or random weights, which may be wider than it. */
    readonly start?: 'inherit' | 'random'
    /** Widths of a step; default 3. */
    readonly sizesPerStep?: number
  }

/** First the new head alone, then all with a smaller rate. */
export interface Adaptation {
  readonly head: Training & { readonly epochs: number }
  readonly whole: Training & { readonly epochs: number }
}

export interface TierPlan {
  readonly width: number
  /** Default the ancestor's: which blocks stay is measured. */
  readonly depth?: number
  /** Default the ancestor's. */
  readonly heads?: number
  /** Epochs of its distillation; a tier of none stays as it was cut. */
  readonly epochs: number
  /** Default that of the distillation: the nearer a tier is to the ancestor, the less it should move. */
  readonly learningRate?: number
}

/** What a recipe may name besides what the packages bring: factories of parts, and more. */
export interface Registry extends PartRegistry {
  /** How blocks of these kinds are cut; without it an ancestor of such blocks cannot be inherited. */
  readonly kinds?: BlockKinds
  /** How parts of one's own kinds are written as ONNX; without it a model with such parts cannot be exported so. */
  readonly writers?: PartWriters
  /** Path spaces by kind. */
  readonly spaces?: SpaceRegistry
  readonly initialisers?: { readonly [name: string]: StitchInitialiser }
  /** How a step of tuning draws its path; see `PathPolicy`. */
  readonly policy?: FineTuneOptions['policy']
}

const RECIPE_KEYS = [
  ...['seed', 'ancestor', 'data', 'adaptation', 'tiers', 'calibrationImages', 'distillation', 'labelWeight', 'space', 'stitch'],
  ...[
    'start',
    'ancestorTier',
    'nested',
    'initialisers',
    'featureImages',
    'comparisonImages',
    'heldOutImages',
    'fineTuning',
    'baseline',
    'budget',
    'budgets',
    'registry',
  ],
]

/** What descendants are measured in while a recipe runs. */
const BUDGETED = ['macs', 'parameters', 'memory', 'bytes']

/**
 * A recipe, checked before anything runs.
 *
 * @throws Error of one line when a part is missing, unknown or cannot be
 */
export function defineRecipe(recipe: Recipe): Recipe {
  requireKeys('recipe', recipe, RECIPE_KEYS)
  requireObjects('recipe', { data: recipe.data })
  const { training } = recipe.data
  if (typeof training?.picture !== 'function')
    throw new Error(`recipe: data.training must be a dataset, for example of imageFolder or arrayDataset; got ${describe(training)}`)
  checkSettings(recipe)
  return recipe
}

/**
 * The part of {@link defineRecipe} that is known before there are images.
 *
 * @param name whose settings these are; errors begin with it
 * @throws Error of one line that names the setting which is missing, unknown or cannot be
 */
export function checkSettings(recipe: Omit<Recipe, 'data'>, name = 'recipe'): void {
  requireKeys(name, recipe, RECIPE_KEYS)
  const { ancestor, tiers, distillation, fineTuning, start, registry = {} } = recipe
  requireObjects(name, { ancestor, tiers, distillation, fineTuning })
  if (!Array.isArray(tiers) || tiers.length === 0) throw new Error(`${name}: tiers must be a list of at least one; got ${describe(tiers)}`)
  if (start !== undefined && start !== 'inherit' && start !== 'random')
    throw new Error(`${name}: start must be 'inherit' or 'random'; got ${describe(start)}`)
  for (const [i, tier] of tiers.entries()) {
    requireKeys(`${name}: tiers[${i}]`, tier, ['width', 'depth', 'heads', 'epochs', 'learningRate'])
    if (!(tier.epochs >= 0)) throw new Error(`${name}: tiers[${i}].epochs must be a number of at least 0; got ${describe(tier.epochs)}`)
    if (i > 0 && !(tier.width > tiers[i - 1]!.width)) {
      throw new Error(`${name}: tiers must ascend by width; got ${tiers.map(({ width }) => width).join(', ')}`)
    }
  }
  requireKeys(`${name}: registry`, registry, ['blocks', 'embeddings', 'heads', 'kinds', 'writers', 'spaces', 'initialisers', 'policy'])
  for (const each of recipe.initialisers ?? []) initialiserNamed(recipe, each, name)
  requireMatrices(recipe, name)
  requireSpace(recipe, name)
  const unknown = Object.keys(recipe.budget ?? {}).find((measure) => !BUDGETED.includes(measure))
  if (unknown !== undefined) {
    const remedy =
      unknown === 'latency' ? '; latency is measured on what a run has made: learngene search RUN --budget latency=20ms@wasm' : ''
    throw new Error(`${name}: budget caps ${BUDGETED.join(', ')}; got ${unknown}${remedy}`)
  }
}

function requireObjects(name: string, parts: { readonly [part: string]: unknown }): void {
  for (const [part, value] of Object.entries(parts)) {
    if (typeof value !== 'object' || value === null) throw new Error(`${name}: ${part} must be an object; got ${describe(value)}`)
  }
}

/** @throws Error where the space cannot be made of as many tiers as the pool will have */
function requireSpace({ space, tiers, ancestorTier = recipeDefaults.ancestorTier, registry }: Omit<Recipe, 'data'>, name: string): void {
  if (space === undefined) return
  const kinds = Object.keys({ ...standardSpaces, ...registry?.spaces })
  if (!kinds.includes(space?.kind)) throw new Error(`${name}: space.kind must be one of ${kinds.join(', ')}; got ${describe(space?.kind)}`)
  try {
    checkSpace(space, tiers.length + (ancestorTier ? 1 : 0), registry?.spaces)
  } catch (error) {
    throw new Error(`${name}: space: ${(error as Error).message}`, { cause: error })
  }
}

/** Initialisers that are made of transformation matrices, and of which side. */
const MADE_OF: { readonly [initialiser: string]: Side } = { learned: 'student', ridge: 'student', paper: 'teacher', pinv: 'teacher' }

/** @throws Error where an initialiser is made of matrices that tiers of the recipe do not have */
function requireMatrices(
  { start, tiers, ancestorTier = recipeDefaults.ancestorTier, initialisers, distillation, registry }: Omit<Recipe, 'data'>,
  from: string,
): void {
  if (tiers.length === 1 && !ancestorTier) return
  const { weights, sides = ['student'] } = distillation
  const found: readonly Side[] = start !== 'random' ? ['student'] : weights?.block === 0 ? [] : sides
  for (const name of initialisers ?? recipeDefaults.initialisers) {
    const side = registry?.initialisers?.[name] ? undefined : MADE_OF[name]
    if (side === undefined || found.includes(side)) continue
    const remedy = start === 'random' ? `give weights.block above 0 and sides with '${side}', or take` : 'take'
    throw new Error(
      `${from}: the initialiser ${name} is made of transformation matrices of side '${side}', which tiers from ${start === 'random' ? 'random weights have where the distillation compares blocks by that side' : 'the ancestor do not have'}; ${remedy} the initialiser leastSquares`,
    )
  }
}

/** @param from whose initialiser it is; the error begins with it @throws Error where nobody has the name */
export function initialiserNamed({ registry }: Pick<Recipe, 'registry'>, name: string, from = 'recipe'): StitchInitialiser {
  const known: { readonly [name: string]: StitchInitialiser } = { ...initialisers, ...registry?.initialisers }
  if (Object.hasOwn(known, name)) return known[name]!
  throw new Error(`${from}: initialisers are ${Object.keys(known).join(', ')}; got ${describe(name)}`)
}

/** The values that a recipe leaves out. */
export const recipeDefaults = {
  seed: 0,
  calibrationImages: 128,
  labelWeight: 0.2,
  start: 'inherit' as 'inherit' | 'random',
  ancestorTier: true,
  space: { kind: 'aligned', stride: 3 } as SpaceSpec,
  initialisers: ['ridge'] as readonly string[],
  featureImages: 64,
  comparisonImages: 200,
  heldOutImages: 64,
  baseline: false,
  budgets: [] as readonly number[],
}

export type SettledRecipe = Recipe & typeof recipeDefaults

export const settled = (recipe: Recipe): SettledRecipe => ({ ...recipeDefaults, ...recipe }) as SettledRecipe
