import { expect, it } from 'vitest'
import { boundedError, relativeError, withoutKeyBias } from './relative-error.js'

it.each([
  [[3, 4.5], [3, 4], 0.1],
  [[0, 0], [3, 4], 1],
  [[0, 0], [0, 0], 0],
  [[1, 0], [0, 0], Infinity],
  [[Number.NaN, 4], [3, 4], Infinity],
  [[Infinity, 4], [3, 4], Infinity],
  [[3], [3, 4], Infinity],
])('of %j to %j is %d', (a, b, error) => {
  expect(relativeError(a, b)).toBeCloseTo(error, 12)
})

it('leaves out the middle third of biases of queries, keys and values, and of nothing else', () => {
  const values = Float32Array.of(1, 2, 3, 4, 5, 6)
  expect(withoutKeyBias('blocks.0.attn.qkv.bias', values)).toEqual(Float32Array.of(1, 2, 5, 6))
  expect(withoutKeyBias('blocks.0.attn.qkv.weight', values)).toBe(values)
})

it.each([
  [[1, 2], [1, 2], [0, 0], 0],
  [[1, 2.5], [1, 2], [0.1, 0.25], 2],
  [[1.2, 2.5], [1, 2], [0.1, 1], 2],
  [[1, 2.5], [1, 2], [0, 0], Infinity],
  [[Number.NaN, 2], [1, 2], [1, 1], Infinity],
  [[1, 2], [1, 2], [1], Infinity],
])('of %j to %j in bounds of %j is %d', (a, b, bounds, error) => {
  expect(boundedError(a, b, bounds)).toBeCloseTo(error, 12)
})
