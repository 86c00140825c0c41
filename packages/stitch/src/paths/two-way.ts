import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { type StitchSlot, stitchSlot } from './stitch-slot.js'
import { checkTiers, type TierShape } from './tier-shape.js'

/**
 * The paths of SN-Netv2 over a small and a large tier: each alone, one switch in either direction, and round trips small-large-small and
 * large-small-large. A switch leaves block i and lands at block i + 1; one that lands nowhere is dropped. 12 + 12 blocks give 2 + 11 + 11 + 55 + 55 = 134.
 * Where depths differ, i and i + 1 are positions of the deeper tier, scaled as in `slidingWindow`.
 *
 * @throws if there are not exactly two tiers or they are not as `checkTiers` wants them.
 */
export function twoWay(tiers: readonly TierShape[]): PathSpace {
  checkTiers(tiers)
  const [small, large, ...others] = tiers
  if (!small || !large || others.length > 0) throw new Error(`two-way paths run between exactly two tiers, got ${tiers.length}`)
  return createPathSpace({ kind: 'twoWay', tiers, slots: [...switches(small, large), ...switches(large, small)], maxStitches: 2 })
}

function switches(from: TierShape, to: TierShape): StitchSlot[] {
  const positions = Math.max(from.depth, to.depth)
  const block = (position: number, { depth }: TierShape) => Math.floor((position * depth) / positions)
  return Array.from({ length: positions - 1 }, (_, i) => stitchSlot(from, to, i, [{ j: block(i, from), m: block(i + 1, to) }]))
}
