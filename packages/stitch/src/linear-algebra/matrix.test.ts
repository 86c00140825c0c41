import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, naiveProduct, numbersOf, relativeError, uniformMatrix } from '../testing/matrices.js'
import { addProduct, block, copyOf, type Matrix64, matrixOf, product, symmetric, transpose, zeros } from './matrix.js'

describe('matrix', () => {
  const matrix = matrixOf(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)

  it('views blocks and transposes of the same data', () => {
    const corner = block(matrix, 0, 1, 2, 2)
    expect([...copyOf(corner).data]).toEqual([2, 3, 5, 6])
    expect([...copyOf(transpose(corner)).data]).toEqual([2, 5, 3, 6])
    expect([...copyOf(block(transpose(matrix), 1, 0, 2, 1)).data]).toEqual([2, 3])
    expect([...copyOf(block(transpose(matrix), 1, 1, 2, 1)).data]).toEqual([5, 6])
    expect(corner.data).toBe(matrix.data)
  })

  it('copies', () => {
    const copy = copyOf(matrix)
    copy.data[0] = 9
    expect(matrix.data[0]).toBe(1)
    expect([...zeros(2, 1).data]).toEqual([0, 0])
  })

  it('completes an upper triangle', () => {
    const upper = matrixOf(Float64Array.of(1, 2, 3, 0, 4, 5, 0, 0, 6), 3, 3)
    expect([...symmetric(upper).data]).toEqual([1, 2, 3, 2, 4, 5, 3, 5, 6])
    expect(upper.data[3]).toBe(0)
  })

  it('refuses data of another length', () => {
    expect(() => matrixOf(new Float64Array(5), 2, 3)).toThrow('a [2, 3] matrix needs 6 numbers, got 5')
  })
})

describe('addProduct', () => {
  const size = fc.integer({ min: 1, max: 13 })

  it('equals the definition for any shape, across passes and tiles', () => {
    fc.assert(
      fc.property(size, fc.oneof(size, fc.integer({ min: 250, max: 530 })), size, (m, k, n) => {
        const a = uniformMatrix(m, k, 1)
        const b = uniformMatrix(k, n, 2)
        expect(relativeError(product(a, b).data, naiveProduct(a, b).data)).toBeLessThan(1e-13)
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  it('reads transposed views', () => {
    const a = uniformMatrix(7, 5, 1)
    const b = uniformMatrix(6, 7, 2)
    expect(relativeError(product(transpose(a), transpose(b)).data, naiveProduct(transpose(a), transpose(b)).data)).toBeLessThan(1e-14)
  })

  it('writes through a transposed view', () => {
    const [a, b] = [uniformMatrix(3, 4, 1), uniformMatrix(4, 5, 2)]
    const out = zeros(5, 3)
    addProduct(transpose(out), a, b)
    expect(relativeError(copyOf(transpose(out)).data, naiveProduct(a, b).data)).toBeLessThan(1e-14)
  })

  it('adds a multiple to a block and leaves the rest alone', () => {
    const a = uniformMatrix(3, 4, 1)
    const b = uniformMatrix(4, 5, 2)
    const out = zeros(6, 8)
    out.data.fill(7)
    addProduct(block(out, 2, 1, 3, 5), a, b, { scale: -2 })
    const expected = naiveProduct(a, b)
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 8; j++) {
        const inside = i >= 2 && i < 5 && j >= 1 && j < 6
        expect(at(out, i, j)).toBeCloseTo(inside ? 7 - 2 * at(expected, i - 2, j - 1) : 7, 12)
      }
    }
  })

  it.each([1, 2, 5, 8, 11])('computes only the upper triangle of a symmetric product of width %d', (n) => {
    const x = uniformMatrix(9, n, 3)
    const out = zeros(n, n)
    addProduct(out, transpose(x), x, { upper: true })
    const full: Matrix64 = naiveProduct(transpose(x), x)
    const expected = copyOf(full)
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expected.data[i * n + j] = 0
    expect(relativeError(numbersOf(out), expected.data)).toBeLessThan(1e-14)
    expect(out.data.filter((_, at) => at % n < Math.floor(at / n)).every((value) => value === 0)).toBe(true)
  })

  describe('empty shapes', () => {
    it('adds nothing', () => {
      expect([...product(uniformMatrix(2, 0, 1), uniformMatrix(0, 2, 1)).data]).toEqual([0, 0, 0, 0])
      expect(product(uniformMatrix(0, 3, 1), uniformMatrix(3, 2, 1)).data).toHaveLength(0)
    })
  })

  it('refuses shapes that do not fit', () => {
    expect(() => product(uniformMatrix(2, 3, 1), uniformMatrix(4, 5, 1))).toThrow('[M, K] [K, N] -> [M, N], got [2, 3] [4, 5] -> [2, 5]')
    const [a, b] = [uniformMatrix(2, 3, 1), uniformMatrix(3, 5, 1)]
    expect(() => addProduct(zeros(3, 5), a, b)).toThrow('got [2, 3] [3, 5] -> [3, 5]')
    expect(() => addProduct(zeros(2, 4), a, b)).toThrow('got [2, 3] [3, 5] -> [2, 4]')
  })
})
