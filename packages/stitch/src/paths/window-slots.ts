import { json } from '@learngene/vit-blocks'
import { type BlockPair, type StitchSlot, stitchSlot } from './stitch-slot.js'
import { type TierPairs, tierPairs } from './tier-pairs.js'
import type { TierShape } from './tier-shape.js'

/** How the sliding window of SN-Net pairs the blocks of two tiers. */
export interface WindowOptions {
  /** Positions per window; default 2. */
  readonly kernel?: number
  /** Positions from one window's start to the next; default 1. */
  readonly stride?: number
  /** Which tiers are stitched; default `nearest`. */
  readonly pairs?: TierPairs
}

/**
 * The stitches of a sliding window over every stitched pair of tiers, pair by pair, window by window.
 *
 * @throws if kernel or stride is not a positive integer.
 */
export function windowSlots(tiers: readonly TierShape[], { kernel = 2, stride = 1, pairs = 'nearest' }: WindowOptions): StitchSlot[] {
  for (const [name, value] of Object.entries({ kernel, stride })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be an integer of at least 1, got ${json.describe(value)}`)
  }
  return [...tierPairs(tiers, pairs)].flatMap(([front, back]) => pairSlots(front, back, kernel, stride))
}

/**
 * The stitches from one tier to another. The window slides over the positions 0 .. Lmax-1 of the deeper tier; position i is block
 * floor(i L / Lmax) in a tier of depth L. Pairs that are new in a window share its stitch (SN-Net, CVPR 2023; method.md section 5).
 */
function pairSlots(front: TierShape, back: TierShape, kernel: number, stride: number): StitchSlot[] {
  const positions = Math.max(front.depth, back.depth)
  const seen = new Set<number>()
  const slots: StitchSlot[] = []
  for (let start = 0; start < positions; start += stride) {
    const end = Math.min(start + kernel, positions)
    const pairs: BlockPair[] = []
    for (const j of blocksAt(start, end, front.depth, positions)) {
      for (const m of blocksAt(start, end, back.depth, positions)) {
        const key = j * back.depth + m
        if (!seen.has(key)) pairs.push({ j, m })
        seen.add(key)
      }
    }
    if (pairs.length > 0) slots.push(stitchSlot(front, back, start / stride, pairs))
  }
  return slots
}

/** The blocks at positions start .. end-1, each once, ascending. */
function blocksAt(start: number, end: number, depth: number, positions: number): Set<number> {
  const blocks = new Set<number>()
  for (let i = start; i < end; i += 1) blocks.add(Math.floor((i * depth) / positions))
  return blocks
}
