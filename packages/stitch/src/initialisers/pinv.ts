import type { AffineMap } from '@learngene/vit-blocks'
import { matrixOf, product, pseudoInverse } from '../linear-algebra/index.js'
import { nearestSupervision } from './nearest-supervision.js'
import type { StitchProblem } from './problem.js'
import { trainedTransformations } from './trained-transformations.js'

/**
 * Back to the ancestor's space and on from there (method.md section 4): M = W_t W_s^+ with W^+ = W^T (W W^T + lambda I)^-1, c = b_t - M b_s, with
 * the matrices of side `teacher` at the nearest ancestor position that is supervised in both tiers. W_t = I, b_t = 0 at the ancestor's width.
 *
 * @throws when a tier was not distilled with side `teacher` or the two share no supervised position
 */
export function pinv(problem: StitchProblem): AffineMap {
  const { inputs, outputs, slot } = problem
  const { from, to } = nearestSupervision(trainedTransformations('pinv', 'teacher', problem), slot.id, slot.pairs)
  const ancestor = from.map.inputs
  const weight = product(matrixOf(to.map.weight, outputs, ancestor), pseudoInverse(matrixOf(from.map.weight, inputs, ancestor)))
  const moved = product(weight, matrixOf(from.map.bias, inputs, 1)).data
  return {
    inputs,
    outputs,
    weight: Float32Array.from(weight.data),
    bias: Float32Array.from(to.map.bias, (value, i) => value - moved[i]!),
  }
}
