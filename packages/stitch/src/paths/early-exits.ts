import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { checkTiers, type TierShape } from './tier-shape.js'

/**
 * The first 1, 2, ... L blocks of each tier; the last of a tier is the whole tier.
 *
 * @throws if the tiers are not as `checkTiers` wants them.
 */
export function earlyExits(tiers: readonly TierShape[]): PathSpace {
  checkTiers(tiers)
  return createPathSpace({ kind: 'earlyExits', tiers, slots: [], maxStitches: 0, earlyExits: true })
}
