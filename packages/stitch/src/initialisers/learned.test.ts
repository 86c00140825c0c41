import { describe, expect, it } from 'vitest'
import { identityMap } from '../affine-map.js'
import { matrixOf, transpose } from '../linear-algebra/index.js'
import { leastSquaresByQr, naiveProduct, relativeError, uniformMatrix } from '../linear-algebra/testing.js'
import { learned } from './learned.js'
import { apply, denseProblem, entries, randomMap } from './testing.js'

const problem = denseProblem(['student'])

it('solves S_t [M, c] = [S_s, b_s - b_t] at the nearest position', () => {
  const [front, back] = [problem.from[1]!.map, problem.to[1]!.map]
  const right = new Float64Array(11 * 6)
  for (let i = 0; i < 11; i++) {
    for (let k = 0; k < 5; k++) right[i * 6 + k] = front.weight[i * 5 + k]!
    right[i * 6 + 5] = front.bias[i]! - back.bias[i]!
  }
  const expected = leastSquaresByQr(matrixOf(back.weight, 11, 7), matrixOf(right, 11, 6)).data
  const map = learned(problem)
  const rows = Array.from({ length: 7 }, (_, o) => [...map.weight.subarray(o * 5, o * 5 + 5), map.bias[o]!]).flat()
  expect(relativeError(rows, expected)).toBeLessThan(1e-6)
  expect([map.inputs, map.outputs]).toEqual([5, 7])
})

it('recovers the exact map where the features of both tiers are images of the ancestor features', () => {
  const exact = randomMap(5, 7, 31)
  const back = randomMap(7, 11, 41)
  // S_s f_s + b_s = f_a = S_t f_t + b_t with f_t = M f_s + c: S_s = S_t M, b_s = S_t c + b_t.
  const backWeight = matrixOf(back.weight, 11, 7)
  const moved = naiveProduct(backWeight, matrixOf(exact.bias, 7, 1)).data
  const front = {
    inputs: 5,
    outputs: 11,
    weight: Float32Array.from(naiveProduct(backWeight, matrixOf(exact.weight, 7, 5)).data),
    bias: back.bias.map((b, i) => b + moved[i]!),
  }
  const map = learned({ ...problem, from: [{ ...problem.from[0]!, map: front }], to: [{ ...problem.to[0]!, map: back }] })
  expect(relativeError(entries(map), entries(exact))).toBeLessThan(1e-5)
  const features = uniformMatrix(20, 5, 51)
  expect(relativeError(apply(back, apply(map, features)).data, apply(front, features).data)).toBeLessThan(1e-6)
})

describe('a back tier that lives in the ancestor space', () => {
  const fixed = { ...problem, outputs: 11, to: problem.to.map((t) => ({ ...t, map: identityMap(11) })) }

  it('gets S_s itself, to the bit, as a copy', () => {
    const map = learned(fixed)
    expect(map).toEqual(problem.from[1]!.map)
    expect(map.weight).not.toBe(problem.from[1]!.map.weight)
    expect(map.bias).not.toBe(problem.from[1]!.map.bias)
  })

  it('and S_s less the bias where the identity was trained a bias', () => {
    const bias = new Float32Array(11).fill(0.5)
    const map = learned({ ...fixed, to: fixed.to.map((t) => ({ ...t, map: { ...t.map, bias } })) })
    expect(relativeError(map.weight, problem.from[1]!.map.weight)).toBeLessThan(1e-6)
    expect(
      relativeError(
        map.bias,
        problem.from[1]!.map.bias.map((b) => b - 0.5),
      ),
    ).toBeLessThan(1e-6)
  })
})

it('takes the solution of smallest norm where the back tier is wider than the ancestor', () => {
  const wide = denseProblem(['student'], undefined, 5, 13)
  const map = learned(wide)
  const [front, back] = [wide.from[1]!.map, wide.to[1]!.map]
  const x = uniformMatrix(9, 5, 3)
  expect(relativeError(apply(back, apply(map, x)).data, apply(front, x).data)).toBeLessThan(1e-5)
  // Smallest norm: M lies in the row space of S_t.
  const rowSpace = transpose(matrixOf(back.weight, 11, 13))
  const projected = naiveProduct(rowSpace, leastSquaresByQr(rowSpace, matrixOf(map.weight, 13, 5)))
  expect(relativeError(projected.data, map.weight)).toBeLessThan(1e-6)
})

it('needs side student', () => {
  expect(() => learned(denseProblem(['teacher']))).toThrow("the initialiser learned needs transformation matrices of side 'student'")
})
