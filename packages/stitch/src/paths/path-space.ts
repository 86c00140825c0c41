import type { Rng, SearchSpace } from '@learngene/interfaces'
import type { Path } from './path.js'
import type { StitchSlot } from './stitch-slot.js'
import type { TierShape } from './tier-shape.js'

/** One switch of tiers on a path: after block `from`, through the stitch `id`, on with block `to`. */
export interface PathStitch {
  /** The slot this switch shares with others, `ti9>ba9#3`. */
  readonly id: string
  readonly from: { readonly tier: string; readonly block: number }
  readonly to: { readonly tier: string; readonly block: number }
}

/** A path and the stitch between each two of its segments. */
export interface StitchedPath {
  readonly path: Path
  readonly stitches: readonly PathStitch[]
}

/**
 * A set of paths that is never listed in memory. With a `cost` it is a `SearchSpace`: `{ ...space, cost }`. Distances between paths are numbers of
 * blocks that only one of the two runs.
 */
export interface PathSpace extends Omit<SearchSpace<StitchedPath>, 'cost'> {
  readonly tiers: readonly TierShape[]
  /** The name of the enumeration. */
  readonly kind: string
  /** By number of stitches, then start tier, then stitch by stitch: back tier, window, j, m. Constant memory. */
  enumerate(): Iterable<StitchedPath>
  /** The number of paths, computed without listing them; rounded above 2^53, where `exactCount` is not. */
  count(): number
  exactCount(): bigint
  /** The path that `enumerate` gives at this index, without listing those before it. Throws outside 0 .. count - 1. */
  at(index: number | bigint): StitchedPath
  /** The path with its stitches, or undefined where the space does not have it. */
  find(path: Path): StitchedPath | undefined
  /** The nearest path of the space, itself where the space has it, the first in the order of enumeration among equally near ones. */
  nearest(path: Path): StitchedPath
  /** Uniform over all paths. */
  sample(rng: Rng): StitchedPath
  /** Another path of the space, the likelier the nearer (a third per block of distance); the same only where there is no other. */
  mutate(value: StitchedPath, rng: Rng): StitchedPath
  /** The path's text. */
  key(value: StitchedPath): string
  /** Every stitch of the space with all block pairs that share it. */
  stitchIds(): Iterable<StitchSlot>
}
