import type { TierShape } from './tier-shape.js'

/** Which tiers are stitched: each to the next one only (`nearest`), or to every later one (`all`). */
export type TierPairs = 'nearest' | 'all'

/** (front, back) of every stitched pair, front ascending, then back ascending. */
export function* tierPairs(tiers: readonly TierShape[], pairs: TierPairs): Generator<readonly [front: TierShape, back: TierShape]> {
  if (pairs !== 'nearest' && pairs !== 'all') throw new Error(`pairs must be "nearest" or "all", got ${JSON.stringify(pairs)}`)
  for (const [index, front] of tiers.entries()) {
    for (const back of tiers.slice(index + 1, pairs === 'nearest' ? index + 2 : undefined)) yield [front, back]
  }
}
