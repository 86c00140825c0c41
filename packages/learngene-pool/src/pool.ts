import type { Cost, JsonObject, Rng } from '@learngene/interfaces'
import type { Block, Parameters } from '@learngene/interfaces/tensors'
import {
  costOfPath,
  createSpace,
  createStitches,
  descendantOf,
  type PathSpace,
  plainStitch,
  requireArguments,
  type SpaceRegistry,
  type SpaceSpec,
  type StitchedFamily,
  type StitchedPath,
  shapeOfTier,
  type Tier,
} from '@learngene/stitch'
import {
  countParameters,
  disposeNetwork,
  disposeParameters,
  type Network,
  type PartRegistry,
  type PartSpec,
  parametersOf,
  prefixed,
  sizeText,
} from '@learngene/vit-blocks'

/** The learngene pool: the instances of all auxiliaries in tiers, and a stitch for every slot of its paths. */
export interface Pool extends StitchedFamily {
  /** How the paths are enumerated; stored with the pool. */
  readonly spaceSpec: SpaceSpec
  /** The kind of all stitches; stored with the pool. */
  readonly stitchSpec: PartSpec
  /** What a user of the descendants must know besides weights: normalisation, class names. */
  readonly details: JsonObject
}

export interface PoolOptions {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** Default: SN-Net's sliding window of kernel 2 and stride 1 over nearest tiers. */
  readonly space?: SpaceSpec
  /** What kind of block the stitches are, without their widths; default `{ kind: 'stitch', config: {} }`. SN-Netv2's are `{ kind: 'loraStitch', config: { rank } }`. */
  readonly stitch?: PartSpec
  /** Path spaces besides the standard ones. */
  readonly spaces?: SpaceRegistry
  readonly details?: JsonObject
}

/**
 * A pool of the given tiers with one stitch per slot, randomly initialised until `initialiseStitches` of the stitch package gives them values.
 * Takes over the tiers' weights.
 *
 * @param tiers ascending by width
 * @throws when the tiers do not see the same images or classes
 */
export function buildPool(tiers: readonly Tier[], options: PoolOptions, rng: Rng): Pool {
  requireArguments('buildPool', { tiers: ['tier[]', tiers], options: ['object', options], rng: ['rng', rng] })
  const { space: spaceSpec = { kind: 'slidingWindow' }, stitch: stitchSpec = plainStitch, spaces, details = {} } = options
  checkAlike(tiers)
  const space = createSpace(spaceSpec, tiers.map(shapeOfTier), spaces)
  return { tiers, space, spaceSpec, stitches: createStitches(space, rng, stitchSpec, options.parts), stitchSpec, details }
}

/**
 * The pool with its stitches in the form that they are kept in: LoRA stitches become plain ones, the same logits, stored and run without the updates; a kind of one's own
 * becomes what its `merge` gives. Takes over the tiers and frees the stitches.
 *
 * @throws when the stitches have nothing to merge, or become blocks of several kinds; the pool is then as it was
 */
export async function mergeStitches(pool: Pool): Promise<Pool> {
  requireArguments('mergeStitches', { pool: ['family', pool] })
  const stitches = new Map<string, Block>()
  try {
    for (const [id, stitch] of pool.stitches) {
      if (!stitch.merge)
        throw new Error(`mergeStitches: the stitches must have a merge(), as a loraStitch has; ${id} is a '${stitch.kind}'`)
      stitches.set(id, await stitch.merge())
    }
    const stitchSpec = commonSpec([...stitches.values()])
    for (const { parameters } of pool.stitches.values()) disposeParameters(parameters)
    return { ...pool, stitches, stitchSpec }
  } catch (error) {
    for (const { parameters } of stitches.values()) disposeParameters(parameters)
    throw error
  }
}

/** What stitches are but for their widths. @throws where they differ */
function commonSpec(stitches: readonly Block[]): PartSpec {
  const specs = stitches.map(({ kind, config: { inputWidth: _, outputWidth: __, ...config } }): PartSpec => ({ kind, config }))
  const texts = [...new Set(specs.map((spec) => JSON.stringify(spec)))]
  if (texts.length > 1) throw new Error(`mergeStitches: all stitches must become of one kind; got ${texts.slice(0, 2).join(' and ')}`)
  return specs[0] ?? plainStitch
}

/** All trained tensors: `TIER.blocks.0.norm1.weight`, `ID.weight` of stitches. */
export function poolParameters(family: StitchedFamily): { readonly instances: Parameters; readonly stitches: Parameters } {
  requireArguments('poolParameters', { family: ['family', family] })
  const { tiers, stitches } = family
  return {
    instances: Object.assign({}, ...tiers.map(({ name, network }) => prefixed(`${name}.`, parametersOf(network)))),
    stitches: Object.assign({}, ...[...stitches].map(([id, { parameters }]) => prefixed(`${id}.`, parameters))),
  }
}

/** Scalars that the pool stores: all tiers whole, and all stitches. */
export function storedParameters(family: StitchedFamily): number {
  const { instances, stitches } = poolParameters(family)
  return countParameters(instances) + countParameters(stitches)
}

/** The pool's paths as a space that budgets are searched in, measured by {@link costOfPath}. */
export function searchSpace(family: StitchedFamily): PathSpace & { cost(path: StitchedPath): Record<keyof Cost, number> } {
  requireArguments('searchSpace', { family: ['family', family] })
  const cost = (path: StitchedPath): Record<keyof Cost, number> => ({ ...costOfPath(family, path) })
  return { ...family.space, cost }
}

/** The networks of the given paths, all sharing the pool's weights. */
export function descendantsOf(family: StitchedFamily, paths: readonly StitchedPath[]): Network[] {
  requireArguments('descendantsOf', { family: ['family', family], paths: ['stitchedPath[]', paths] })
  return paths.map((path) => descendantOf(family, path))
}

/** Frees all weights of a pool and so of all its descendants. */
export function disposePool(family: Pick<StitchedFamily, 'tiers' | 'stitches'>): void {
  requireArguments('disposePool', { family: ['stitched', family] })
  const { tiers, stitches } = family
  for (const { network } of tiers) disposeNetwork(network)
  for (const { parameters } of stitches.values()) disposeParameters(parameters)
}

function checkAlike([first, ...others]: readonly Tier[]): void {
  if (!first) throw new Error('buildPool: a pool has at least one tier; got none')
  const described = ({ network: { embedding, head } }: Tier) => {
    const { imageSize, patchSize, channels } = embedding.geometry
    return `images ${sizeText(imageSize)} x ${channels} in patches of ${sizeText(patchSize)}, ${embedding.tokens} tokens, ${head.classes} classes`
  }
  for (const tier of others) {
    if (described(tier) !== described(first)) {
      throw new Error(
        `buildPool: all tiers must see the same images and classes; ${first.name} has ${described(first)}, ${tier.name} ${described(tier)}`,
      )
    }
  }
}
