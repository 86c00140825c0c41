import { type Gram, type Matrix64, mapOfColumns, solvePositiveDefinite, zeros } from '../linear-algebra/index.js'
import { neededGram } from './needed-gram.js'
import type { StitchInitialiser } from './problem.js'

export interface LeastSquaresOptions {
  /** For a stitch that several block pairs share: one solution for all their rows (default), or the mean of their solutions as SN-Net published it. */
  readonly shared?: 'joint' | 'mean'
}

/**
 * SN-Net's initialiser (CVPR 2023): the affine least-squares map from the output of block j to the input of block m, by the normal
 * equations in float64. Where features are linearly dependent it is nearly the one of smallest norm.
 *
 * @throws when the problem has no `gram` (`shared: 'joint'`) or not one `pairGrams` for each pair (`shared: 'mean'`)
 */
export function leastSquares({ shared = 'joint' }: LeastSquaresOptions = {}): StitchInitialiser {
  return (problem) => {
    if (shared === 'joint') return mapOfColumns(solution(neededGram('leastSquares', 'gram', problem.gram, problem)))
    const { slot, pairGrams = [], inputs, outputs } = problem
    const mean = zeros(inputs + 1, outputs)
    for (const index of slot.pairs.keys()) {
      const { data } = solution(neededGram("leastSquares({ shared: 'mean' })", 'pairGrams', pairGrams[index], problem))
      for (let i = 0; i < data.length; i++) mean.data[i]! += data[i]! / slot.pairs.length
    }
    return mapOfColumns(mean)
  }
}

/** W [inputs + 1, outputs] of min ||X W - Y||^2. */
function solution({ input, cross }: Gram): Matrix64 {
  return solvePositiveDefinite(input.xtx, cross.xty)
}
