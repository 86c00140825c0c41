import type { AffineMap } from '@learngene/vit-blocks'
import { accumulate, columnsOfMap, createGram, type Gram, type Matrix, matrixOf } from '../linear-algebra.js'
import { type BlockPair, defaultTierName } from '../paths/index.js'
import type { StitchProblem } from '../stitch-problem.js'
import type { Side, Transformation } from '../transformation.js'
import { naiveProduct, uniformArray, withOnes } from './matrices.js'
import { testRng } from './paths.js'

export const randomMap = (inputs: number, outputs: number, seed: number): AffineMap => ({
  inputs,
  outputs,
  weight: uniformArray(outputs * inputs, seed),
  bias: uniformArray(outputs, seed + 1),
})

/** Matrices for block -> ancestor block, `[student, ancestor]`. */
export function transformations(
  side: Side,
  width: number,
  ancestor: number,
  positions: readonly (readonly [number, number])[],
  seed: number,
): Transformation[] {
  const [inputs, outputs] = side === 'student' ? [width, ancestor] : [ancestor, width]
  return positions.map(([position, ancestorPosition], i) => ({
    side,
    position,
    ancestorPosition,
    map: randomMap(inputs, outputs, seed + 10 * i),
  }))
}

export const dense9 = [
  [2, 3],
  [5, 7],
  [8, 11],
] as const

/** A stitch `w5d9>w7d9#0` between two tiers of depth 9 and an ancestor of width 11, distilled with the given sides at the dense positions. */
export function denseProblem(
  sides: readonly Side[],
  pairs: readonly BlockPair[] = [{ j: 4, m: 5 }],
  inputs = 5,
  outputs = 7,
): StitchProblem {
  const ancestor = 11
  const [fromTier, toTier] = [defaultTierName(inputs, 9), defaultTierName(outputs, 9)]
  return {
    slot: { id: `${fromTier}>${toTier}#0`, fromTier, toTier, pairs },
    inputs,
    outputs,
    from: sides.flatMap((side) => transformations(side, inputs, ancestor, dense9, 100)),
    to: sides.flatMap((side) => transformations(side, outputs, ancestor, dense9, 200)),
    rng: testRng(1),
  }
}

/** The map applied to rows of features, in float64. */
export function apply(map: AffineMap, x: Matrix): Matrix {
  return naiveProduct(withOnes(x), columnsOfMap(map))
}

export function gramOf(x: Matrix<Float32Array>, y: Matrix<Float32Array>): Gram {
  const gram = createGram(x.columns, y.columns)
  accumulate(gram, x.data, y.data)
  return gram
}

export const rounded = ({ data, rows, columns }: Matrix): Matrix<Float32Array> => matrixOf(Float32Array.from(data), rows, columns)

/** Weight and bias in one list. */
export const entries = ({ weight, bias }: AffineMap): number[] => [...weight, ...bias]
