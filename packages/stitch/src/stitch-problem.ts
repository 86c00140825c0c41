import type { Rng } from '@learngene/interfaces'
import type { AffineMap } from '@learngene/vit-blocks'
import type { Gram } from './linear-algebra.js'
import type { BlockPair, StitchSlot } from './paths/index.js'
import { isIdentity, type Side, type Transformation } from './transformation.js'

/** What an initialiser may use to choose the map of one stitch; none needs all of it. */
export interface StitchProblem {
  readonly slot: StitchSlot
  /** D_s: width of the front tier. */
  readonly inputs: number
  /** D_t: width of the back tier. */
  readonly outputs: number
  /** All transformation matrices of the front tier, of one side or both. */
  readonly from: readonly Transformation[]
  /** All transformation matrices of the back tier, of one side or both. */
  readonly to: readonly Transformation[]
  /** Normal equations of training features, of all block pairs of the slot together: outputs of block j on inputs of block m. */
  readonly gram?: Gram
  /** The same for each block pair of the slot, in its order. */
  readonly pairGrams?: readonly Gram[]
  readonly rng: Rng
}

/**
 * Chooses the map [D_s] -> [D_t] that a stitch starts from.
 *
 * @throws when the problem lacks what it needs
 */
export type StitchInitialiser = (problem: StitchProblem) => AffineMap

/**
 * Checks a Gram that an initialiser asks for.
 *
 * @throws when it is not given, has seen no rows, or has other widths than the stitch
 */
export function neededGram(
  initialiser: string,
  field: 'gram' | 'pairGrams',
  gram: Gram | undefined,
  { slot, inputs, outputs }: StitchProblem,
): Gram {
  if (!gram || gram.cross.count === 0) {
    throw new Error(
      `the initialiser ${initialiser} needs features of training images for stitch ${slot.id}, got ${gram ? 'no rows' : `no ${field}`}; ` +
        'run both tiers on some images and accumulate block outputs and inputs into it',
    )
  }
  if (gram.cross.inputs !== inputs || gram.cross.outputs !== outputs) {
    throw new Error(
      `stitch ${slot.id} maps width ${inputs} to ${outputs}, got features of widths ${gram.cross.inputs} and ${gram.cross.outputs} in ${field}`,
    )
  }
  return gram
}

/** The transformation matrices of one side that the two tiers of a stitch were distilled with. */
interface TrainedTransformations {
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

/** The matrices of the two tiers for one ancestor position. */
interface SharedSupervision {
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
