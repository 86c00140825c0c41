import { json } from '@learngene/vit-blocks'
import { createPathSpace, type PathSpace } from './path-space.js'
import { type BlockPair, checkTiers, type StitchSlot, stitchSlot, type TierPairs, type TierShape, tierPairs } from './tiers.js'

/** Every tier on its own, ascending: the auxiliaries, or SN-Net's anchors. */
export function singleTiers(tiers: readonly TierShape[]): PathSpace {
  checkTiers(tiers)
  return createPathSpace({ kind: 'singleTiers', tiers, slots: [], maxStitches: 0 })
}

/**
 * The first 1, 2, ... L blocks of each tier; the last of a tier is the whole tier.
 *
 * @throws if the tiers are not as `checkTiers` wants them.
 */
export function earlyExits(tiers: readonly TierShape[]): PathSpace {
  checkTiers(tiers)
  return createPathSpace({ kind: 'earlyExits', tiers, slots: [], maxStitches: 0, earlyExits: true })
}

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
  return createPathSpace({ kind: 'twoWay', tiers, slots: [...switchesAhead(small, large), ...switchesAhead(large, small)], maxStitches: 2 })
}

function switchesAhead(from: TierShape, to: TierShape): StitchSlot[] {
  const positions = Math.max(from.depth, to.depth)
  const block = (position: number, { depth }: TierShape) => Math.floor((position * depth) / positions)
  return Array.from({ length: positions - 1 }, (_, i) => stitchSlot(from, to, i, [{ j: block(i, from), m: block(i + 1, to) }]))
}

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
  const slots = [...tierPairs(tiers, pairs)].flatMap(([front, back]) => switchesToLater(front, back, stride))
  return createPathSpace({ kind: 'aligned', tiers, slots, maxStitches: Math.min(maxStitches, tiers.length - 1) })
}

function switchesToLater(front: TierShape, back: TierShape, stride: number): StitchSlot[] {
  const landing = front.standsFor!.flatMap((ancestorBlock, j) => {
    const m = back.standsFor!.findIndex((later) => later > ancestorBlock)
    return m < 0 ? [] : [stitchSlot(front, back, j, [{ j, m }])]
  })
  return landing.filter((_, i) => (landing.length - 1 - i) % stride === 0)
}
