import type { AffineMap } from '@learngene/vit-blocks'
import { matrixOf, product, pseudoInverse, zeros } from '../linear-algebra/index.js'
import { nearestSupervision } from './nearest-supervision.js'
import type { StitchProblem } from './problem.js'
import { isIdentity, trainedTransformations } from './trained-transformations.js'

/**
 * Through the ancestor's space (method.md section 4): M = S_t^+ S_s, c = S_t^+ (b_s - b_t), with the matrices of side `student` at the
 * nearest ancestor position that is supervised in both tiers. Where S_t is the identity this is S_s itself, to the bit.
 *
 * @throws when the tiers were not distilled with side `student` or share no supervised position
 */
export function learned(problem: StitchProblem): AffineMap {
  const { from, to } = nearestSupervision(trainedTransformations('learned', 'student', problem), problem.slot.id, problem.slot.pairs)
  if (isIdentity(to.map)) return { ...from.map, weight: from.map.weight.slice(), bias: from.map.bias.slice() }
  const { inputs, outputs } = problem
  const ancestor = to.map.outputs
  const inverse = pseudoInverse(matrixOf(to.map.weight, ancestor, outputs))
  const shift = zeros(ancestor, 1)
  for (let i = 0; i < ancestor; i++) shift.data[i] = from.map.bias[i]! - to.map.bias[i]!
  return {
    inputs,
    outputs,
    weight: Float32Array.from(product(inverse, matrixOf(from.map.weight, ancestor, inputs)).data),
    bias: Float32Array.from(product(inverse, shift).data),
  }
}
