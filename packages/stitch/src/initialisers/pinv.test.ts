import { expect, it } from 'vitest'
import { identityMap } from '../affine-map.js'
import { type Matrix, matrixOf, transpose } from '../linear-algebra/index.js'
import { leastSquaresByQr, naiveProduct, relativeError, uniformMatrix } from '../linear-algebra/testing.js'
import { pinv } from './pinv.js'
import { apply, denseProblem } from './testing.js'

const problem = denseProblem(['teacher'])
const [front, back] = [problem.from[1]!.map, problem.to[1]!.map]

/** W^+ [columns, rows] of a wide matrix of full rank, by a QR of its transpose. */
function inverseByQr(wide: Matrix): Matrix {
  const eye = matrixOf(
    Float64Array.from({ length: wide.columns ** 2 }, (_, at) => (at % (wide.columns + 1) === 0 ? 1 : 0)),
    wide.columns,
    wide.columns,
  )
  return transpose(leastSquaresByQr(transpose(wide), eye))
}

it('is W_t W_s^+ and b_t - M b_s at the nearest position', () => {
  const expected = naiveProduct(matrixOf(back.weight, 7, 11), inverseByQr(matrixOf(front.weight, 5, 11)))
  const map = pinv(problem)
  expect(relativeError(map.weight, expected.data)).toBeLessThan(1e-6)
  const moved = naiveProduct(expected, matrixOf(front.bias, 5, 1)).data
  expect(
    relativeError(
      map.bias,
      back.bias.map((b, i) => b - moved[i]!),
    ),
  ).toBeLessThan(1e-6)
})

it('maps the image of ancestor features to their image, where they lie in the row space of W_s', () => {
  const fa = naiveProduct(uniformMatrix(12, 5, 1), matrixOf(front.weight, 5, 11))
  expect(relativeError(apply(pinv(problem), apply(front, fa)).data, apply(back, fa).data)).toBeLessThan(1e-5)
})

it('is W_s^+ at the ancestor width, where W_t is fixed to the identity', () => {
  const map = pinv({ ...problem, outputs: 11, to: problem.to.map((t) => ({ ...t, map: identityMap(11) })) })
  expect(relativeError(map.weight, naiveProduct(identity11(), inverseByQr(matrixOf(front.weight, 5, 11))).data)).toBeLessThan(1e-6)
})

const identity11 = () => matrixOf(identityMap(11).weight, 11, 11)

it('stays finite where W_s has collapsed', () => {
  const collapsed = { ...front, weight: new Float32Array(front.weight.length) }
  const map = pinv({ ...problem, from: problem.from.map((t) => ({ ...t, map: collapsed })) })
  expect(map.weight.every((value) => value === 0)).toBe(true)
  expect(map.bias).toEqual(back.bias)
})

it('needs side teacher', () => {
  expect(() => pinv(denseProblem(['student']))).toThrow("the initialiser pinv needs transformation matrices of side 'teacher'")
})
