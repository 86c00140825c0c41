import type { BlockPair } from '../paths/index.js'
import type { Transformation } from '../transformation.js'
import type { TrainedTransformations } from './trained-transformations.js'

/** The matrices of the two tiers for one ancestor position. */
export interface SharedSupervision {
  readonly from: Transformation
  readonly to: Transformation
}

/**
 * The ancestor position supervised in both tiers that is nearest a stitch (method.md section 4): in the back tier, where features entering block m
 * are the output of block m - 1, so that landing at block 0 takes the first; then in the front tier, where they leave block j; then the earlier one.
 * Distances in blocks are summed over the pairs that share the stitch.
 *
 * @throws when the tiers have no supervised ancestor position in common
 */
export function nearestSupervision({ from, to }: TrainedTransformations, stitch: string, pairs: readonly BlockPair[]): SharedSupervision {
  const shared = from.flatMap((front) =>
    to.filter((back) => back.ancestorPosition === front.ancestorPosition).map((back) => ({ from: front, to: back })),
  )
  if (shared.length === 0) {
    const positions = [from, to].map((tier) => tier.map(({ ancestorPosition }) => ancestorPosition).join(', '))
    throw new Error(
      `stitch ${stitch}: its tiers must share a supervised ancestor position, got ${positions[0]} in front and ${positions[1]} behind; ` +
        'distil both with a common position, as dense supervision does',
    )
  }
  const distances = ({ from: front, to: back }: SharedSupervision) => [
    pairs.reduce((sum, { m }) => sum + Math.abs(back.position - (m - 1)), 0),
    pairs.reduce((sum, { j }) => sum + Math.abs(front.position - j), 0),
    front.ancestorPosition,
  ]
  return shared.reduce((best, next) => (precedes(distances(next), distances(best)) ? next : best))
}

/** Lexicographic order. */
function precedes(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && a[at]! < b[at]!
}
