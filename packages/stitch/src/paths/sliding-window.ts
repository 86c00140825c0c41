import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { checkTiers, type TierShape } from './tier-shape.js'
import { type WindowOptions, windowSlots } from './window-slots.js'

/**
 * The stitched models of SN-Net (CVPR 2023): every tier alone, then for every stitched pair of tiers blocks 0..j of the front and m..L-1 of the back,
 * for the block pairs (j, m) of a sliding window. DeiT-Ti/S/B give 3 + 34 + 34 = 71. Tiers may differ in depth (`windowSlots`).
 *
 * @throws if the tiers are not as `checkTiers` wants them, or kernel or stride is not a positive integer.
 */
export function slidingWindow(tiers: readonly TierShape[], options: WindowOptions = {}): PathSpace {
  checkTiers(tiers)
  return createPathSpace({ kind: 'slidingWindow', tiers, slots: windowSlots(tiers, options), maxStitches: 1 })
}
