import { createPathSpace } from './create-path-space.js'
import type { PathSpace } from './path-space.js'
import { type StitchSlot, stitchSlot } from './stitch-slot.js'
import { type TierPairs, tierPairs } from './tier-pairs.js'
import { checkTiers, type TierShape } from './tier-shape.js'

export interface AlignedOptions {
  /** A front is left after every so many of its blocks, counted from the last that can be left; default 1. */
  readonly stride?: number
  /** At most so many stitches on one path; default 1. */
  readonly maxStitches?: number
  /** Which tiers are stitched; default `nearest`. */
  readonly pairs?: TierPairs
}

/**
 * Paths of tiers that know which ancestor block each of their blocks stands for: every tier alone, and for every stitched pair a path that leaves the front after any of its
 * blocks and lands at the back's first block that stands for a later one, so that no part of the ancestor is run twice and none but dropped blocks is left out. Every switch has a stitch
 * of its own; one that lands nowhere is dropped. Two tiers of 12 blocks give 2 + 11 paths.
 *
 * @throws if the tiers are not as `checkTiers` wants them, one does not say what its blocks stand for, or stride or maxStitches is not an integer of at least 1
 */
export function aligned(tiers: readonly TierShape[], { stride = 1, maxStitches = 1, pairs = 'nearest' }: AlignedOptions = {}): PathSpace {
  checkTiers(tiers)
  if (!Number.isSafeInteger(stride) || stride < 1) throw new Error(`stride must be an integer of at least 1, got ${stride}`)
  if (!Number.isSafeInteger(maxStitches) || maxStitches < 1) {
    throw new Error(`maxStitches must be an integer of at least 1, got ${maxStitches}; for paths without a stitch use singleTiers`)
  }
  for (const { name, standsFor } of tiers) {
    if (!standsFor) {
      throw new Error(
        `tier ${name} must say which ancestor block each of its blocks stands for, as inherited and distilled tiers do; use slidingWindow for others`,
      )
    }
  }
  const slots = [...tierPairs(tiers, pairs)].flatMap(([front, back]) => switches(front, back, stride))
  return createPathSpace({ kind: 'aligned', tiers, slots, maxStitches: Math.min(maxStitches, tiers.length - 1) })
}

function switches(front: TierShape, back: TierShape, stride: number): StitchSlot[] {
  const landing = front.standsFor!.flatMap((ancestorBlock, j) => {
    const m = back.standsFor!.findIndex((later) => later > ancestorBlock)
    return m < 0 ? [] : [stitchSlot(front, back, j, [{ j, m }])]
  })
  return landing.filter((_, i) => (landing.length - 1 - i) % stride === 0)
}
