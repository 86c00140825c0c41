import { expect, it } from 'vitest'
import { dtypes, elementBytes, isDtype } from './dtype.js'

it('knows its dtypes and their sizes', () => {
  expect(dtypes.map((dtype) => [dtype, elementBytes(dtype)])).toEqual([
    ['F64', 8],
    ['F32', 4],
    ['F16', 2],
    ['BF16', 2],
    ['F8_E4M3', 1],
    ['F8_E5M2', 1],
    ['I64', 8],
    ['U64', 8],
    ['I32', 4],
    ['U32', 4],
    ['I16', 2],
    ['U16', 2],
    ['I8', 1],
    ['U8', 1],
    ['BOOL', 1],
  ])
  expect(dtypes.every(isDtype)).toBe(true)
})

it.each([['f32'], ['F8'], ['toString'], ['__proto__'], [''], [4], [null], [undefined], [['F32']]])('does not know %j', (value) => {
  expect(isDtype(value)).toBe(false)
})
