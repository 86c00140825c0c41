import {
  addProduct,
  addToDiagonal,
  columnsOfMap,
  copyOf,
  mapOfColumns,
  meanDiagonal,
  solvePositiveDefinite,
  symmetric,
} from '../linear-algebra/index.js'
import { learned } from './learned.js'
import { neededGram } from './needed-gram.js'
import type { StitchInitialiser } from './problem.js'

export interface RidgeOptions {
  /** Pull toward the learned map, relative to trace(X^T X) / columns; default 0.01. Near 0 it is least squares, large it is the learned map. */
  readonly lambda?: number
}

/**
 * Least squares pulled toward the learned map W0 = [M, c]^T (method.md section 4): min ||X W - Y||^2 + lambda ||W - W0||^2, X = [features, 1], the
 * bias penalised too. Solved for the difference to W0, (X^T X + lambda I) (W - W0) = X^T Y - X^T X W0, so that both ends are exact.
 *
 * @throws when lambda is not a finite number of at least 0, or the problem lacks `gram` or what `learned` needs
 */
export function ridge({ lambda = 0.01 }: RidgeOptions = {}): StitchInitialiser {
  if (!(lambda >= 0 && lambda < Number.POSITIVE_INFINITY)) {
    throw new Error(`lambda must be a finite number of at least 0, got ${lambda}`)
  }
  return (problem) => {
    const { input, cross } = neededGram('ridge', 'gram', problem.gram, problem)
    const w = columnsOfMap(learned(problem))
    const unexplained = copyOf(cross.xty)
    addProduct(unexplained, symmetric(input.xtx), w, { scale: -1 })
    const penalised = copyOf(input.xtx)
    addToDiagonal(penalised, lambda * meanDiagonal(input.xtx))
    const difference = solvePositiveDefinite(penalised, unexplained)
    for (let i = 0; i < w.data.length; i++) w.data[i]! += difference.data[i]!
    return mapOfColumns(w)
  }
}
