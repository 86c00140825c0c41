import type { AffineMap } from '@learngene/vit-blocks'
import type { Side, Transformation } from '../transformation.js'
import type { StitchProblem } from './problem.js'

/** The transformation matrices of one side that the two tiers of a stitch were distilled with. */
export interface TrainedTransformations {
  readonly from: readonly Transformation[]
  readonly to: readonly Transformation[]
}

/**
 * Picks the matrices of one side. A tier of the ancestor's width whose maps were fixed to the identity serves both sides: there S_p and W_p are the
 * same.
 *
 * @throws when a tier was not distilled with that side, or a matrix does not fit the tiers' widths or the other matrices
 */
export function trainedTransformations(initialiser: string, side: Side, problem: StitchProblem): TrainedTransformations {
  const { slot, inputs, outputs } = problem
  const from = ofSide(initialiser, side, slot.fromTier, inputs, problem.from)
  const to = ofSide(initialiser, side, slot.toTier, outputs, problem.to)
  const [first, ...others] = [...from, ...to].map(({ map }) => ancestorWidth(side, map))
  const other = others.find((width) => width !== first)
  if (other !== undefined) {
    throw new Error(
      `stitch ${slot.id}: all transformation matrices must come from one ancestor, got ancestor widths ${first} and ${other}; ` +
        'distil both tiers from the same ancestor',
    )
  }
  return { from, to }
}

/** Whether a map changes nothing, exactly. */
export function isIdentity({ inputs, outputs, weight, bias }: AffineMap): boolean {
  return (
    inputs === outputs && weight.every((value, at) => value === (at % (inputs + 1) === 0 ? 1 : 0)) && bias.every((value) => value === 0)
  )
}

function ofSide(initialiser: string, side: Side, tier: string, width: number, all: readonly Transformation[]): readonly Transformation[] {
  const trained = all.filter((transformation) => transformation.side === side)
  const found = trained.length > 0 ? trained : all.filter(({ map }) => isIdentity(map))
  if (found.length === 0) {
    const sides = [...new Set(all.map((transformation) => transformation.side))]
    throw new Error(
      `the initialiser ${initialiser} needs transformation matrices of side '${side}', tier ${tier} has ` +
        `${sides.length > 0 ? `only those of side '${sides.join("' and '")}'` : 'none'}; distil it with side '${side}' or with both sides`,
    )
  }
  for (const { position, map } of found) {
    const own = side === 'student' ? map.inputs : map.outputs
    if (own !== width) {
      throw new Error(
        `tier ${tier} has width ${width}, got a transformation matrix of width ${own} at its block ${position}; pass the tier's own`,
      )
    }
  }
  return found
}

function ancestorWidth(side: Side, map: AffineMap): number {
  return side === 'student' ? map.outputs : map.inputs
}
