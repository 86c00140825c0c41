import { expect, it } from 'vitest'
import { earlyExits } from './early-exits.js'
import { parsePath } from './path-text.js'
import { texts, tier } from './testing.js'

it('lists the first blocks of a tier, fewest first', () => {
  const space = earlyExits([tier(192, 4)])
  expect(texts(space)).toEqual(['ti4[0-0]', 'ti4[0-1]', 'ti4[0-2]', 'ti4[0-3]'])
  expect(space.count()).toBe(4)
})

it('lists the exits of every tier, tier by tier', () => {
  expect(texts(earlyExits([tier(192, 2), tier(384, 3)]))).toEqual(['ti2[0-0]', 'ti2[0-1]', 'sm3[0-0]', 'sm3[0-1]', 'sm3[0-2]'])
})

it('finds exits and knows the nearest of others', () => {
  const space = earlyExits([tier(192, 4)])
  expect(space.find(parsePath('ti4[0-2]'))).toBeDefined()
  expect(space.find(parsePath('ti4[1-2]'))).toBeUndefined()
  expect(space.find(parsePath('ti4[0-4]'))).toBeUndefined()
  expect(space.key(space.nearest(parsePath('ti4[0-9]')))).toBe('ti4[0-3]')
})

it('refuses a tier without blocks', () => {
  expect(() => earlyExits([tier(192, 0)])).toThrow('tier ti0: its depth must be an integer of at least 1, got 0')
})
