import type { SearchSpace } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { distance, testRng, tier, tiSmBa } from '../testing/paths.js'
import { formatPath, parsePath, type StitchedPath } from './path.js'
import { type PathSpace, randomBelow } from './path-space.js'
import { earlyExits, multiStitch, singleTiers, slidingWindow, twoWay } from './spaces.js'

const spaces: [string, PathSpace][] = [
  ['single tiers', singleTiers(tiSmBa)],
  ['early exits', earlyExits([tier(192, 9)])],
  ['SN-Net', slidingWindow(tiSmBa)],
  ['unequal depths', slidingWindow([tier(192, 6), tier(384, 9), tier(768, 4)], { pairs: 'all', kernel: 3, stride: 2 })],
  ['multi-stitch', multiStitch([tier(48, 2), tier(192, 4), tier(384, 3), tier(768, 3)], { pairs: 'all' })],
  ['gaps', multiStitch([tier(192, 7), tier(384, 7), tier(768, 7)], { kernel: 1, stride: 4 })],
  ['two-way', twoWay([tier(192, 6), tier(768, 8)])],
]

describe.each(spaces)('path space: %s', (_, space) => {
  const all = [...space.enumerate()]

  it('emits each path once, readable, and as many as it counts', () => {
    expect(new Set(all.map(space.key)).size).toBe(all.length)
    expect(space.count()).toBe(all.length)
    for (const value of all) expect(parsePath(space.key(value))).toEqual(value.path)
  })

  it('starts at block 0, stays inside its tiers and joins segments by its stitches', () => {
    const depth = new Map(space.tiers.map(({ name, depth }) => [name, depth]))
    const slots = new Map([...space.stitchIds()].map((slot) => [slot.id, slot]))
    for (const { path, stitches } of all) {
      expect(path.segments[0]!.first).toBe(0)
      for (const { tier, last } of path.segments) expect(last).toBeLessThan(depth.get(tier)!)
      if (space.kind !== 'earlyExits') expect(path.segments.at(-1)!.last).toBe(depth.get(path.segments.at(-1)!.tier)! - 1)
      expect(stitches).toHaveLength(path.segments.length - 1)
      stitches.forEach(({ id, from, to }, index) => {
        const [front, back] = [path.segments[index]!, path.segments[index + 1]!]
        expect([from, to]).toEqual([
          { tier: front.tier, block: front.last },
          { tier: back.tier, block: back.first },
        ])
        const slot = slots.get(id)!
        expect([slot.fromTier, slot.toTier]).toEqual([from.tier, to.tier])
        expect(slot.pairs).toContainEqual({ j: from.block, m: to.block })
      })
    }
  })

  it('uses every stitch and every block pair it lists', () => {
    const used = new Set(all.flatMap(({ stitches }) => stitches.map(({ id, from, to }) => `${id} ${from.block} ${to.block}`)))
    expect(used).toEqual(new Set([...space.stitchIds()].flatMap(({ id, pairs }) => pairs.map(({ j, m }) => `${id} ${j} ${m}`))))
  })

  it('gives every path by its index and finds it by its value', () => {
    all.forEach((value, index) => {
      expect(space.at(index)).toEqual(value)
      expect(space.find(value.path)).toEqual(value)
      expect(space.nearest(value.path)).toEqual(value)
    })
    for (const index of [-1, 0.5, Number.NaN, all.length])
      expect(() => space.at(index)).toThrow(`from 0 to ${all.length - 1}, got ${index}`)
  })

  it('samples uniformly', () => {
    const rng = testRng(1)
    const drawn = new Map<string, number>()
    const draws = all.length * 50
    for (let i = 0; i < draws; i += 1) {
      const key = space.key(space.sample(rng))
      drawn.set(key, (drawn.get(key) ?? 0) + 1)
    }
    const chiSquare = all.reduce((sum, value) => sum + ((drawn.get(space.key(value)) ?? 0) - 50) ** 2 / 50, 0)
    expect(chiSquare).toBeLessThan(all.length - 1 + 5 * Math.sqrt(2 * (all.length - 1)))
  })

  it('mutates to another of its paths, reproducibly', () => {
    const walk = () => {
      const rng = testRng(2)
      let value = all[0]!
      return Array.from({ length: 50 }, () => {
        const next = space.mutate(value, rng)
        expect(space.key(next)).not.toBe(space.key(value))
        expect(space.find(next.path)).toEqual(next)
        value = next
        return space.key(value)
      })
    }
    expect(walk()).toEqual(walk())
  })
})

describe('find', () => {
  it.each(['ti12[0-11]>sm12[0-11]', 'ti12[0-5]', 'ti12[1-11]', 'ti12[0-12]', 'xx[0-11]', 'ti12[0-5]>xx[5-11]', 'ti12[0-5]>sm12[5-10]'])(
    'has no %s',
    (text) => expect(slidingWindow(tiSmBa).find(parsePath(text))).toBeUndefined(),
  )

  it('minds the number of stitches', () => {
    const path = parsePath('ti12[0-5]>sm12[5-7]>ba12[7-11]')
    expect(slidingWindow(tiSmBa).find(path)).toBeUndefined()
    expect(
      multiStitch(tiSmBa)
        .find(path)
        ?.stitches.map(({ id }) => id),
    ).toEqual(['ti12>sm12#4', 'sm12>ba12#6'])
  })
})

describe('nearest', () => {
  const missing = [
    'ti12[0-4]>sm12[8-11]',
    'ti12[3-4]',
    'xx[0-4]>ba12[7-11]',
    'ti12[0-2]>ba12[3-11]',
    'ti12[0-30]>sm12[2-2]',
    'ba12[0-3]>ti12[4-11]',
    'xx[0-1]',
  ]

  it.each(missing)('agrees with comparing %s to every path', (text) => {
    const path = parsePath(text)
    for (const space of [slidingWindow(tiSmBa), multiStitch(tiSmBa, { pairs: 'all', kernel: 1 })]) {
      let best: StitchedPath | undefined
      for (const value of space.enumerate()) if (!best || distance(value.path, path) < distance(best.path, path)) best = value
      expect(formatPath(space.nearest(path).path)).toBe(formatPath(best!.path))
    }
  })
})

describe('mutate', () => {
  it('prefers near paths', () => {
    const space = multiStitch(tiSmBa)
    const value = space.find(parsePath('ti12[0-3]>sm12[4-7]>ba12[8-11]'))!
    const rng = testRng(3)
    const distances = Array.from({ length: 300 }, () => distance(space.mutate(value, rng).path, value.path))
    expect(distances.reduce((a, b) => a + b, 0) / 300).toBeLessThan(4)
  })

  it('draws neighbours with a third of the probability per block of distance', () => {
    const space = earlyExits([tier(192, 9)])
    const value = space.at(0)
    const rng = testRng(4)
    const hits = [0, 0, 0]
    for (let i = 0; i < 4000; i += 1) {
      const away = distance(space.mutate(value, rng).path, value.path)
      if (away <= 3) hits[away - 1]! += 1
    }
    expect(hits[0]! / hits[1]!).toBeCloseTo(3, 0)
    expect(hits[1]! / hits[2]!).toBeCloseTo(3, 0)
  })

  it('stays where there is no other path', () => {
    const space = singleTiers([tier(192, 9)])
    expect(space.mutate(space.at(0), testRng(5))).toEqual(space.at(0))
  })

  it('works in spaces too large to list', () => {
    const space = multiStitch(
      Array.from({ length: 10 }, (_, index) => tier(64 * (index + 1), 24)),
      { pairs: 'all' },
    )
    const rng = testRng(6)
    const value = space.sample(rng)
    expect(space.find(space.mutate(value, rng).path)).toBeDefined()
    expect(space.nearest(value.path)).toEqual(value)
  })
})

it('is a search space once it has a cost', () => {
  const cost = ({ path }: StitchedPath) => ({ blocks: path.segments.reduce((sum, { first, last }) => sum + last - first + 1, 0) })
  const space = { ...slidingWindow(tiSmBa), cost } satisfies SearchSpace<StitchedPath>
  expect(space.cost(space.sample(testRng(7))).blocks).toBeGreaterThanOrEqual(12)
  expect(space.count()).toBe(71)
})

it('tells a predictor which blocks a path runs', () => {
  const space = slidingWindow(tiSmBa)
  const path = space.find(parsePath('ti12[0-2]>sm12[3-11]'))
  const blocks = (depth: number, first: number, last: number) => Array.from({ length: depth }, (_, i) => (first <= i && i <= last ? 1 : 0))
  expect(space.features!(path!)).toEqual([...blocks(12, 0, 2), ...blocks(12, 3, 11), ...blocks(12, 1, 0)])
})

describe('randomBelow', () => {
  it('is uniform below small bounds', () => {
    const rng = testRng(1)
    const hits = new Array<number>(5).fill(0)
    for (let i = 0; i < 5000; i += 1) hits[Number(randomBelow(5n, rng))]! += 1
    for (const hit of hits) expect(Math.abs(hit - 1000)).toBeLessThan(150)
  })

  it('reaches all bits below large bounds', () => {
    const rng = testRng(2)
    const bound = 3n << 100n
    let [seen, largest] = [0n, 0n]
    for (let i = 0; i < 200; i += 1) {
      const value = randomBelow(bound, rng)
      expect(value < bound).toBe(true)
      seen |= value
      if (value > largest) largest = value
    }
    expect(seen.toString(2)).toBe('1'.repeat(102))
    expect(largest > (bound * 9n) / 10n).toBe(true)
  })

  it('gives 0 where there is no other outcome', () => {
    expect(randomBelow(1n, testRng(3))).toBe(0n)
  })
})
