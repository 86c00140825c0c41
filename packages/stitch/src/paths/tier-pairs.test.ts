import { expect, it } from 'vitest'
import { tiSmBa } from './testing.js'
import { tierPairs } from './tier-pairs.js'

const names = (pairs: 'nearest' | 'all') => [...tierPairs(tiSmBa, pairs)].map(([front, back]) => `${front.name}>${back.name}`)

it('pairs neighbours or everything, front first', () => {
  expect(names('nearest')).toEqual(['ti12>sm12', 'sm12>ba12'])
  expect(names('all')).toEqual(['ti12>sm12', 'ti12>ba12', 'sm12>ba12'])
})

it('refuses other policies', () => {
  expect(() => names('every' as 'all')).toThrow('pairs must be "nearest" or "all", got "every"')
})
