import { expect, it } from 'vitest'
import { singleTiers } from './single-tiers.js'
import { texts, tiSmBa } from './testing.js'

it('lists every tier as a whole, ascending, without stitches', () => {
  const space = singleTiers(tiSmBa)
  expect(texts(space)).toEqual(['ti12[0-11]', 'sm12[0-11]', 'ba12[0-11]'])
  expect([space.count(), [...space.stitchIds()], [...space.enumerate()].flatMap(({ stitches }) => stitches)]).toEqual([3, [], []])
})

it('refuses an empty list', () => {
  expect(() => singleTiers([])).toThrow('at least one tier, got none')
})
