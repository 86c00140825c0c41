import type { Rng } from '@learngene/interfaces'
import type { AffineMap } from '@learngene/vit-blocks'
import type { Gram } from '../linear-algebra/index.js'
import type { StitchSlot } from '../paths/index.js'
import type { Transformation } from '../transformation.js'

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
