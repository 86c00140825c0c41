import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { checkTiers, type TierShape } from './tier-shape.js'

/** Every tier on its own, ascending: the auxiliaries, or SN-Net's anchors. */
export function singleTiers(tiers: readonly TierShape[]): PathSpace {
  checkTiers(tiers)
  return createPathSpace({ kind: 'singleTiers', tiers, slots: [], maxStitches: 0 })
}
