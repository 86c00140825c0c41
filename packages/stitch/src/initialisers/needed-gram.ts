import type { Gram } from '../linear-algebra/index.js'
import type { StitchProblem } from './problem.js'

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
