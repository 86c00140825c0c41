import type { TierShape } from './tier-shape.js'

/** One way through a stitch: leave the front tier after block `j`, go on with block `m` of the back tier. */
export interface BlockPair {
  readonly j: number
  readonly m: number
}

/** One stitch (one matrix) and all block pairs that share it, in the order of enumeration. */
export interface StitchSlot {
  /** `ti9>ba9#3`: the front tier, the back tier, the number of the window. */
  readonly id: string
  readonly fromTier: string
  readonly toTier: string
  readonly pairs: readonly BlockPair[]
}

export function stitchSlot(from: TierShape, to: TierShape, window: number, pairs: readonly BlockPair[]): StitchSlot {
  return { id: `${from.name}>${to.name}#${window}`, fromTier: from.name, toTier: to.name, pairs }
}
