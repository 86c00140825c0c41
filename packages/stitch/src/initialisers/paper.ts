import type { AffineMap } from '@learngene/vit-blocks'
import { type Matrix64, matrixOf, product, transpose } from '../linear-algebra/index.js'
import type { Transformation } from '../transformation.js'
import type { StitchProblem } from './problem.js'
import { trainedTransformations } from './trained-transformations.js'

/**
 * As the Learngene Pool paper has it (arXiv 2312.05743, method.md section 4): M = mean(W_t) mean(W_s)^T with the matrices of side `teacher`, c = 0;
 * the same for all stitches of two tiers. W_t is the identity at the ancestor's width.
 *
 * @throws when a tier was not distilled with side `teacher`
 */
export function paper(problem: StitchProblem): AffineMap {
  const { inputs, outputs } = problem
  const { from, to } = trainedTransformations('paper', 'teacher', problem)
  const weight = product(meanWeight(to), transpose(meanWeight(from)))
  return { inputs, outputs, weight: Float32Array.from(weight.data), bias: new Float32Array(outputs) }
}

function meanWeight(transformations: readonly Transformation[]): Matrix64 {
  const { inputs, outputs } = transformations[0]!.map
  const mean = new Float64Array(outputs * inputs)
  for (const { map } of transformations) for (let i = 0; i < mean.length; i++) mean[i]! += map.weight[i]! / transformations.length
  return matrixOf(mean, outputs, inputs)
}
