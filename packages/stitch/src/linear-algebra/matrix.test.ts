import { expect, it } from 'vitest'
import { block, copyOf, matrixOf, symmetric, transpose, zeros } from './matrix.js'

const matrix = matrixOf(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)

it('views blocks and transposes of the same data', () => {
  const corner = block(matrix, 0, 1, 2, 2)
  expect([...copyOf(corner).data]).toEqual([2, 3, 5, 6])
  expect([...copyOf(transpose(corner)).data]).toEqual([2, 5, 3, 6])
  expect([...copyOf(block(transpose(matrix), 1, 0, 2, 1)).data]).toEqual([2, 3])
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
