import { expect, test } from 'vitest'
import { bytes, float, integer, message, packedIntegers, varint } from './wire.js'

test.each([
  [0, [0]],
  [127, [127]],
  [300, [0xac, 0x02]],
  [2 ** 40, [0x80, 0x80, 0x80, 0x80, 0x80, 0x20]],
  [-1, [...Array(9).fill(0xff), 0x01]],
])('the integer %i takes seven bits a byte', (value, expected) => {
  expect([...varint(value)]).toEqual(expected)
})

test('fields begin with their number and kind', () => {
  expect([...integer(1, 150)]).toEqual([0x08, 0x96, 0x01])
  expect([...bytes(2, 'testing')]).toEqual([0x12, 7, ...new TextEncoder().encode('testing')])
  expect([...message(3, integer(1, 150))]).toEqual([0x1a, 3, 0x08, 0x96, 0x01])
  expect([...packedIntegers(4, [3, 270])]).toEqual([0x22, 3, 3, 0x8e, 0x02])
  expect([...float(5, 1)]).toEqual([0x2d, 0, 0, 0x80, 0x3f])
})
