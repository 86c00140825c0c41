import { describe, expect, it } from 'vitest'
import { transpose, zeros } from './matrix.js'
import { addToDiagonal, leftPseudoInverse, meanDiagonal, pseudoInverse, rightPseudoInverse } from './pseudo-inverse.js'
import { conditioned, leastSquaresByQr, naiveProduct, numbersOf, relativeError, uniformMatrix } from './testing.js'

function eye(n: number, value = 1) {
  const out = zeros(n, n)
  addToDiagonal(out, value)
  return out
}

const tall = uniformMatrix(24, 9, 1)

describe('left pseudo-inverse', () => {
  it('undoes a tall matrix', () => {
    expect(relativeError(naiveProduct(leftPseudoInverse(tall), tall).data, eye(9).data)).toBeLessThan(1e-8)
  })

  it('is the least-squares solution for every unit vector', () => {
    expect(relativeError(leftPseudoInverse(tall, 0).data, leastSquaresByQr(tall, eye(24)).data)).toBeLessThan(1e-12)
  })
})

describe('right pseudo-inverse', () => {
  it('is undone by a wide matrix', () => {
    const wide = transpose(tall)
    expect(relativeError(naiveProduct(wide, rightPseudoInverse(wide)).data, eye(9).data)).toBeLessThan(1e-8)
  })

  it('is the transpose of the left one of the transpose', () => {
    expect(relativeError(numbersOf(rightPseudoInverse(transpose(tall))), numbersOf(transpose(leftPseudoInverse(tall))))).toBeLessThan(1e-14)
  })
})

it('solves the regularised normal equations', () => {
  const normal = naiveProduct(transpose(tall), tall)
  addToDiagonal(normal, 0.3 * meanDiagonal(normal))
  expect(relativeError(naiveProduct(normal, leftPseudoInverse(tall, 0.3)).data, numbersOf(transpose(tall)))).toBeLessThan(1e-13)
})

it('takes the smaller normal matrix, the same one for a given shape', () => {
  expect(pseudoInverse(tall)).toEqual(leftPseudoInverse(tall))
  expect(pseudoInverse(transpose(tall))).toEqual(rightPseudoInverse(transpose(tall)))
})

it('undoes ill-conditioned matrices up to its ridge and stays bounded on singular ones', () => {
  const inverse = pseudoInverse(conditioned(40, 8, 100, 5))
  expect(relativeError(naiveProduct(inverse, conditioned(40, 8, 100, 5)).data, eye(8).data)).toBeLessThan(1e-6)
  const singular = naiveProduct(uniformMatrix(20, 2, 1), uniformMatrix(2, 8, 2))
  const projected = naiveProduct(singular, naiveProduct(pseudoInverse(singular), singular))
  expect(relativeError(projected.data, singular.data)).toBeLessThan(1e-5)
})
