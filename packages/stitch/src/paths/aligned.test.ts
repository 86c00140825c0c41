import { expect, it } from 'vitest'
import { aligned } from './aligned.js'
import { texts, tier } from './testing.js'

const all = (depth: number) => Array.from({ length: depth }, (_, i) => i)
const standing = (width: number, standsFor: readonly number[]) => ({ ...tier(width, standsFor.length), standsFor })

it('switches after every block to the first that stands for a later one', () => {
  const tiers = [standing(16, [0, 2, 3]), standing(32, [0, 1, 2, 3])]
  expect(texts(aligned(tiers))).toEqual(['w16d3[0-2]', 'w32d4[0-3]', 'w16d3[0-0]>w32d4[1-3]', 'w16d3[0-1]>w32d4[3-3]'])
  expect([...aligned(tiers).stitchIds()].map(({ id, pairs }) => [id, pairs])).toEqual([
    ['w16d3>w32d4#0', [{ j: 0, m: 1 }]],
    ['w16d3>w32d4#1', [{ j: 1, m: 3 }]],
  ])
})

it('counts 2 + 11 paths of two tiers of 12 blocks, and more with more pairs and stitches', () => {
  const tiers = [standing(16, all(12)), standing(32, all(12)), standing(64, all(12))]
  expect(aligned(tiers.slice(0, 2)).count()).toBe(13)
  expect(aligned(tiers).count()).toBe(3 + 22)
  expect(aligned(tiers, { pairs: 'all' }).count()).toBe(3 + 33)
  expect([...aligned(tiers.slice(0, 2), { stride: 3 }).stitchIds()].map(({ pairs }) => pairs[0]!.j)).toEqual([1, 4, 7, 10])
  // From the first to the second after block i, on to the third after block k > i.
  expect(aligned(tiers, { maxStitches: 2 }).count()).toBe(3 + 22 + 55)
})

it('refuses tiers that do not say what their blocks stand for', () => {
  expect(() => aligned([standing(16, [0, 1]), tier(32, 4)])).toThrow(
    'tier w32d4 must say which ancestor block each of its blocks stands for',
  )
  expect(() => aligned([standing(16, [1, 0])])).toThrow(
    'tier w16d2: standsFor must be ascending ancestor blocks, one for each of its 2 blocks',
  )
  expect(() => aligned([{ ...tier(16, 3), standsFor: [0] }])).toThrow('one for each of its 3 blocks')
  expect(() => aligned([standing(16, [0])], { stride: 0.5 })).toThrow('stride must be an integer of at least 1, got 0.5')
  expect(() => aligned([standing(16, [0])], { maxStitches: 0 })).toThrow('maxStitches must be an integer of at least 1, got 0')
})
