import { expect, it } from 'vitest'
import { elementCount, isShape, sameShape } from './shape.js'

it.each([[[]], [[0]], [[2, 3]], [[Number.MAX_SAFE_INTEGER]]])('%j is a shape', (value) => {
  expect(isShape(value)).toBe(true)
})

it.each([[[-1]], [[1.5]], [[2 ** 53]], [['2']], [[null]], [[[2]]], [{ length: 0 }], [null], [3], ['']])('%j is no shape', (value) => {
  expect(isShape(value)).toBe(false)
})

it('counts elements and notices overflow', () => {
  expect(elementCount([])).toBe(1)
  expect(elementCount([2, 3, 4])).toBe(24)
  expect(elementCount([2 ** 52, 0])).toBe(0)
  expect(elementCount([2 ** 53 - 1])).toBe(2 ** 53 - 1)
  expect(elementCount([2 ** 27, 2 ** 26])).toBeUndefined()
  expect(elementCount([2 ** 40, 2 ** 40, 0])).toBeUndefined()
})

it('compares shapes', () => {
  expect(sameShape([2, 3], [2, 3])).toBe(true)
  expect(sameShape([2, 3], [3, 2])).toBe(false)
  expect(sameShape([2], [2, 1])).toBe(false)
  expect(sameShape([2, 1], [2])).toBe(false)
})
