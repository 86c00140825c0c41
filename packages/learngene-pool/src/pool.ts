import type { Cost, JsonObject, Rng, SearchSpace } from '@learngene/interfaces'
import type { Block, Parameters } from '@learngene/interfaces/tensors'
import {
  costOfPath,
  createSpace,
  createStitch,
  descendantOf,
  type PathSpace,
  type SpaceSpec,
  type StitchedFamily,
  type StitchedPath,
  shapeOfTier,
  type Tier,
} from '@learngene/stitch'
import { countParameters, disposeNetwork, type Network, parametersOf, prefixed } from '@learngene/vit-blocks'

/** The learngene pool: the instances of all auxiliaries in tiers, and a stitch for every slot of its paths. */
export interface Pool extends StitchedFamily {
  /** How the paths are enumerated; stored with the pool. */
  readonly spaceSpec: SpaceSpec
  /** What a user of the descendants must know besides weights: normalisation, class names. */
  readonly details: JsonObject
}

export interface PoolOptions {
  /** Default: SN-Net's sliding window of kernel 2 and stride 1 over nearest tiers. */
  readonly space?: SpaceSpec
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
  const { space: spaceSpec = { kind: 'slidingWindow' }, details = {} } = options
  checkAlike(tiers)
  const shapes = tiers.map(shapeOfTier)
  const space = createSpace(spaceSpec, shapes)
  const widths = new Map(shapes.map(({ name, width }) => [name, width]))
  const stitches = new Map<string, Block>()
  for (const { id, fromTier, toTier } of space.stitchIds()) {
    stitches.set(id, createStitch({ inputWidth: widths.get(fromTier)!, outputWidth: widths.get(toTier)! }, rng.fork(`stitch ${id}`)))
  }
  return { tiers, space, spaceSpec, stitches, details }
}

/** All trained tensors: `TIER.blocks.0.norm1.weight`, `ID.weight` of stitches. */
export function poolParameters({ tiers, stitches }: StitchedFamily): { readonly instances: Parameters; readonly stitches: Parameters } {
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
export function searchSpace(family: StitchedFamily): SearchSpace<StitchedPath> & PathSpace {
  const cost = (path: StitchedPath): Record<keyof Cost, number> => ({ ...costOfPath(family, path) })
  return { ...family.space, cost }
}

/** The networks of the given paths, all sharing the pool's weights. */
export function descendantsOf(family: StitchedFamily, paths: readonly StitchedPath[]): Network[] {
  return paths.map((path) => descendantOf(family, path))
}

/** Frees all weights of a pool and so of all its descendants. */
export function disposePool({ tiers, stitches }: StitchedFamily): void {
  for (const { network } of tiers) disposeNetwork(network)
  for (const { parameters } of stitches.values()) for (const parameter of Object.values(parameters)) parameter.dispose()
}

function checkAlike([first, ...others]: readonly Tier[]): void {
  if (!first) throw new Error('buildPool: a pool has at least one tier; got none')
  const described = ({ network: { embedding, head } }: Tier) => {
    const { imageSize, patchSize, channels } = embedding.geometry
    return `images ${imageSize} x ${imageSize} x ${channels} in patches of ${patchSize}, ${head.classes} classes`
  }
  for (const tier of others) {
    if (described(tier) !== described(first)) {
      throw new Error(
        `buildPool: all tiers must see the same images and classes; ${first.name} has ${described(first)}, ${tier.name} ${described(tier)}`,
      )
    }
  }
}
