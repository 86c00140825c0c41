import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { checkTiers, type TierShape } from './tier-shape.js'

/** The first 1, 2, ... L blocks of one tier of depth L; the last is the whole tier. */
export function earlyExits(tier: TierShape): PathSpace {
  checkTiers([tier])
  return createPathSpace({ kind: 'earlyExits', tiers: [tier], slots: [], maxStitches: 0, earlyExits: true })
}
