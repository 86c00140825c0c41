import { assert, property, string } from 'fast-check'
import { expect, it } from 'vitest'
import { comparing } from './name-order.js'

it.each<[readonly string[], readonly string[]]>([
  [
    ['b', 'A', 'a', 'B'],
    ['A', 'a', 'B', 'b'],
  ],
  [
    ['x10', 'x9', 'x09', 'x'],
    ['x', 'x09', 'x9', 'x10'],
  ],
  [
    ['a', '10a', '2b'],
    ['2b', '10a', 'a'],
  ],
  [
    ['99999999999999999999', '100000000000000000000', '1'],
    ['1', '99999999999999999999', '100000000000000000000'],
  ],
])('sorts %j naturally', (names, expected) => {
  expect([...names].sort(comparing('natural'))).toEqual(expected)
})

it('is a total order', () => {
  const compare = comparing('natural')
  assert(
    property(string(), string(), string(), (a, b, c) => {
      expect(Math.sign(compare(a, b))).toBe(-Math.sign(compare(b, a)) + 0)
      if (compare(a, b) < 0 && compare(b, c) < 0) expect(compare(a, c)).toBeLessThan(0)
      expect(compare(a, b) === 0).toBe(a === b)
    }),
  )
})
