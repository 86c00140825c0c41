import { json } from '@learngene/vit-blocks'
import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { checkTiers, type TierShape } from './tier-shape.js'
import { type WindowOptions, windowSlots } from './window-slots.js'

export interface MultiStitchOptions extends WindowOptions {
  /** At most so many stitches on one path; default one less than there are tiers, the most that ascending paths can have. */
  readonly maxStitches?: number
}

/**
 * Ascending paths through two, three and more tiers: the paths and stitches of `slidingWindow`, continued. The second stitch leaves its tier at or
 * after the block where the first landed. Ten tiers of depth 24 have 639,888,305,229 of them.
 *
 * @throws if the tiers are not as `checkTiers` wants them, kernel or stride is not a positive integer, or maxStitches is not an integer of at least 1.
 */
export function multiStitch(tiers: readonly TierShape[], { maxStitches = Infinity, ...options }: MultiStitchOptions = {}): PathSpace {
  checkTiers(tiers)
  if (maxStitches !== Infinity && (!Number.isSafeInteger(maxStitches) || maxStitches < 1)) {
    throw new Error(
      `maxStitches must be an integer of at least 1, got ${json.describe(maxStitches)}; for paths without a stitch use singleTiers`,
    )
  }
  return createPathSpace({
    kind: 'multiStitch',
    tiers,
    slots: windowSlots(tiers, options),
    maxStitches: Math.min(maxStitches, tiers.length - 1),
  })
}
