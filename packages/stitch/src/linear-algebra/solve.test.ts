import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, conditioned, leastSquaresByQr, naiveProduct, numbersOf, relativeError, uniformMatrix } from '../testing/matrices.js'
import { copyOf, type Matrix, matrixOf, product, transpose, zeros } from './matrix.js'
import { addToDiagonal, leftPseudoInverse, meanDiagonal, pseudoInverse, rightPseudoInverse, solvePositiveDefinite } from './solve.js'

const gramOf = (x: Matrix) => naiveProduct(transpose(x), x)

describe('a full-rank system', () => {
  it('is solved for several right-hand sides, at sizes within and across panels', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 7, 47, 48, 49, 97, 130), fc.integer({ min: 1, max: 9 }), (n, m) => {
        const a = gramOf(uniformMatrix(2 * n + 3, n, n))
        const expected = uniformMatrix(n, m, n + 1)
        expect(relativeError(solvePositiveDefinite(a, naiveProduct(a, expected)).data, expected.data)).toBeLessThan(1e-10)
      }),
      { seed: 1, numRuns: 20 },
    )
  })

  it('reads only the upper triangle and changes neither side', () => {
    const a = gramOf(uniformMatrix(20, 6, 1))
    const b = uniformMatrix(6, 3, 2)
    const expected = solvePositiveDefinite(a, b)
    const upper = copyOf(a)
    for (let i = 0; i < 6; i++) for (let j = 0; j < i; j++) upper.data[i * 6 + j] = Number.NaN
    const [before, right] = [upper.data.slice(), b.data.slice()]
    expect(solvePositiveDefinite(upper, b).data).toEqual(expected.data)
    expect([upper.data, b.data]).toEqual([before, right])
  })

  it('does not mind columns in very different units', () => {
    const x = copyOf(uniformMatrix(40, 6, 1))
    const units = [1e-12, 1, 1e9, 1e-5, 3e4, 1e14]
    for (let i = 0; i < x.data.length; i++) x.data[i]! *= units[i % 6]!
    const a = gramOf(x)
    const expected = zeros(6, 1)
    for (let i = 0; i < 6; i++) expected.data[i] = 1 / units[i]!
    const solved = solvePositiveDefinite(a, naiveProduct(a, expected))
    for (let i = 0; i < 6; i++) expect(solved.data[i]! * units[i]!).toBeCloseTo(1, 8)
  })
})

describe('a singular system', () => {
  it('gets nearly the solution of smallest norm', () => {
    const x = uniformMatrix(30, 4, 1)
    const doubled = zeros(30, 8)
    for (let r = 0; r < 30; r++) for (let c = 0; c < 8; c++) doubled.data[r * 8 + c] = at(x, r, c % 4)
    const w = uniformMatrix(4, 2, 2)
    const solved = solvePositiveDefinite(gramOf(doubled), product(transpose(doubled), product(x, w)))
    for (let i = 0; i < 8; i++) for (let j = 0; j < 2; j++) expect(at(solved, i, j)).toBeCloseTo(at(w, i % 4, j) / 2, 4)
  })

  it('gives a column of zeros the weight 0 and does not disturb the others', () => {
    const x = copyOf(uniformMatrix(30, 5, 1))
    for (let r = 0; r < 30; r++) x.data[r * 5 + 2] = 0
    const w = matrixOf(Float64Array.of(1, 2, 0, 3, 4), 5, 1)
    const solved = solvePositiveDefinite(gramOf(x), product(transpose(x), product(x, w)))
    expect(relativeError(solved.data, w.data)).toBeLessThan(1e-13)
    expect(solved.data[2]).toBe(0)
  })
})

describe('bad input', () => {
  const identity = () => matrixOf(Float64Array.of(1, 0, 0, 1), 2, 2)
  const right = uniformMatrix(2, 1, 1)

  it.each([
    ['a negative eigenvalue', Float64Array.of(1, 2, 2, 1), 'the matrix of a [2, 2] positive definite system has a negative eigenvalue'],
    ['a negative diagonal', Float64Array.of(1, 0, 0, -1), 'finite and not negative, got -1 at 1'],
    ['NaN on the diagonal', Float64Array.of(1, 0, 0, Number.NaN), 'finite and not negative, got NaN at 1'],
    ['Infinity on the diagonal', Float64Array.of(1, 0, 0, Number.POSITIVE_INFINITY), 'finite and not negative, got Infinity at 1'],
    ['NaN beside the diagonal', Float64Array.of(1, Number.NaN, 0, 1), 'must consist of finite numbers'],
    ['Infinity beside the diagonal', Float64Array.of(1, Number.POSITIVE_INFINITY, 0, 1), 'must consist of finite numbers'],
  ])('refuses %s', (_, data, message) => {
    expect(() => solvePositiveDefinite(matrixOf(data, 2, 2), right)).toThrow(message)
  })

  it('refuses right-hand sides that are not finite', () => {
    expect(() => solvePositiveDefinite(identity(), matrixOf(Float64Array.of(1, Number.NaN), 2, 1))).toThrow(
      'right-hand sides must be finite',
    )
    const oneOfTwo = matrixOf(Float64Array.of(1, Number.NaN, 1, 0), 2, 2)
    expect(() => solvePositiveDefinite(identity(), oneOfTwo)).toThrow('right-hand sides must be finite')
  })

  it('refuses shapes that do not fit', () => {
    expect(() => solvePositiveDefinite(identity(), uniformMatrix(3, 1, 1))).toThrow('got A [2, 2] and B [3, 1]')
    expect(() => solvePositiveDefinite(uniformMatrix(2, 3, 1), right)).toThrow('got A [2, 3] and B [2, 1]')
  })
})

describe('pseudoInverse', () => {
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
      expect(relativeError(numbersOf(rightPseudoInverse(transpose(tall))), numbersOf(transpose(leftPseudoInverse(tall))))).toBeLessThan(
        1e-14,
      )
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
})
