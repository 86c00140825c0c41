import type { AffineMap } from '@learngene/vit-blocks'
import {
  addProduct,
  addToDiagonal,
  columnsOfMap,
  copyOf,
  type Gram,
  type Matrix64,
  mapOfColumns,
  matrixOf,
  meanDiagonal,
  product,
  pseudoInverse,
  solvePositiveDefinite,
  symmetric,
  transpose,
  zeros,
} from './linear-algebra.js'
import { nearestSupervision, neededGram, type StitchInitialiser, type StitchProblem, trainedTransformations } from './stitch-problem.js'
import { identityMap, isIdentity, type Transformation } from './transformation.js'

/** The initialisers by name, with their default options. */
export const initialisers = {
  learned,
  paper,
  pinv,
  leastSquares: leastSquares(),
  ridge: ridge(),
  random,
  identity,
} satisfies Record<string, StitchInitialiser>

export type InitialiserName = keyof typeof initialisers

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

/** PyTorch's default for a Linear: weight, then bias, uniform between -1 / sqrt(D_s) and 1 / sqrt(D_s). */
export function random({ inputs, outputs, rng }: StitchProblem): AffineMap {
  const bound = 1 / Math.sqrt(inputs)
  const draw = (length: number) => Float32Array.from({ length }, () => (2 * rng.uniform() - 1) * bound)
  return { inputs, outputs, weight: draw(outputs * inputs), bias: draw(outputs) }
}

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
