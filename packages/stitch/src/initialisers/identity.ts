import type { AffineMap } from '@learngene/vit-blocks'
import { identityMap } from '../affine-map.js'
import type { StitchProblem } from './problem.js'

/**
 * Passes features on as they are.
 *
 * @throws when the tiers differ in width
 */
export function identity({ slot, inputs, outputs }: StitchProblem): AffineMap {
  if (inputs !== outputs) {
    throw new Error(
      `the initialiser identity needs tiers of equal width, stitch ${slot.id} maps width ${inputs} to ${outputs}; use learned or leastSquares`,
    )
  }
  return identityMap(inputs)
}
