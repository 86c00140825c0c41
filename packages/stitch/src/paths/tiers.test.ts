import { describe, expect, it } from 'vitest'
import { tier, tiSmBa } from '../testing/paths.js'
import { checkTiers, defaultTierName, tierPairs } from './tiers.js'

describe('defaultTierName', () => {
  it('knows the widths of DeiT', () => {
    expect([192, 384, 768, 48].map((width) => defaultTierName(width, 9))).toEqual(['ti9', 'sm9', 'ba9', 'w48d9'])
  })
})

describe('checkTiers', () => {
  it('accepts equal widths and unequal depths', () => {
    expect(() => checkTiers([tier(192, 9), tier(192, 6), tier(768, 12)])).not.toThrow()
  })

  it.each([
    [[], 'at least one tier, got none'],
    [[{ name: 'a>b', width: 1, depth: 1 }], 'got "a>b"'],
    [[tier(192, 9), tier(192, 9)], 'unique, got ti9 twice; give one of the two tiers another name'],
    [[{ name: 'a', width: 0, depth: 1 }], 'tier a: its width must be an integer of at least 1, got 0'],
    [[{ name: 'a', width: 8, depth: 1.5 }], 'tier a: its depth must be an integer of at least 1, got 1.5'],
    [[tier(768, 9), tier(192, 9)], 'ascend by width, got ti9 of width 192 after ba9 of width 768; sort them by width'],
  ])('refuses %j', (tiers, message) => {
    expect(() => checkTiers(tiers)).toThrow(message)
  })
})

describe('tierPairs', () => {
  const names = (pairs: 'nearest' | 'all') => [...tierPairs(tiSmBa, pairs)].map(([front, back]) => `${front.name}>${back.name}`)

  it('pairs neighbours or everything, front first', () => {
    expect(names('nearest')).toEqual(['ti12>sm12', 'sm12>ba12'])
    expect(names('all')).toEqual(['ti12>sm12', 'ti12>ba12', 'sm12>ba12'])
  })

  it('refuses other policies', () => {
    expect(() => names('every' as 'all')).toThrow('pairs must be "nearest" or "all", got "every"')
  })
})
