import { expect, it } from 'vitest'
import { describe, describeList, describeShape } from './describe.js'

it('shows values as JSON and cuts long ones', () => {
  expect(describe('a"b\n')).toBe('"a\\"b\\n"')
  expect(describe(undefined)).toBe('nothing')
  expect(describe('x'.repeat(1000))).toBe(`"${'x'.repeat(79)}...`)
})

it('shows the outermost level only', () => {
  expect(describe([1, 'a', null, [2], { b: 3 }])).toBe('[1,"a",null,[...],{...}]')
  expect(describe({ a: 1 })).toBe('{...}')
})

it('shows shapes', () => {
  expect(describeShape([])).toBe('[]')
  expect(describeShape([2, 3])).toBe('[2, 3]')
})

it('names the first of a list and counts the rest', () => {
  expect(describeList([])).toBe('')
  expect(describeList(['a', 'b', 'c'])).toBe('a, b, c')
  expect(describeList(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more')
})
