import { expect, it } from 'vitest'
import { checkTensors, type ExpectedShapes } from './check.js'
import type { TensorEntry } from './tensor-entry.js'

const fileOf = (shapes: ExpectedShapes) => ({
  name: 'x',
  tensors: new Map(Object.entries(shapes).map(([name, shape]): [string, TensorEntry] => [name, { dtype: 'F32', shape, begin: 0, end: 0 }])),
})

it('accepts exactly the expected tensors, in any order', () => {
  checkTensors(fileOf({ a: [2, 3], b: [] }), { b: [], a: [2, 3] })
})

it('reports everything that is wrong in one line', () => {
  expect(() => checkTensors(fileOf({ a: [2, 3], b: [], extra: [7] }), { a: [3, 2], b: [], c: [4], d: [1] })).toThrow(
    'x: the tensors must be the 4 that the model has: 2 missing: "c" [4], "d" [1]; 1 of another shape: "a" (expected [3, 2], found [2, 3]); 1 not expected: "extra" [7]; does the file belong to this model?',
  )
})

it('names the first of many and counts the rest', () => {
  const expected = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`block.${i}`, [i]]))
  expect(() => checkTensors(fileOf({}), expected)).toThrow('100 missing: "block.0" [0], "block.1" [1], "block.2" [2] and 97 more;')
})

it('lets extra tensors pass only where that is asked for', () => {
  const file = fileOf({ a: [1], toString: [2] })
  expect(() => checkTensors(file, { a: [1] })).toThrow('1 not expected: "toString" [2]')
  checkTensors(file, { a: [1] }, { allowExtra: true })
  expect(() => checkTensors(file, { a: [2] }, { allowExtra: true })).toThrow('1 of another shape')
})
