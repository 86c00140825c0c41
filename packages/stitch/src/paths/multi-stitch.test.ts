import { describe, expect, it } from 'vitest'
import { multiStitch } from './multi-stitch.js'
import { formatPath } from './path-text.js'
import { slidingWindow } from './sliding-window.js'
import { texts, tier, tiSmBa } from './testing.js'

/** All two-stitch paths over three tiers, listed the plain way: every pair of single stitches that fit. */
function twoStitchTexts(tiers: typeof tiSmBa): string[] {
  const slots = [...slidingWindow(tiers).stitchIds()]
  const pairs = (from: number) => slots.filter(({ fromTier }) => fromTier === tiers[from]!.name).flatMap((slot) => slot.pairs)
  const [a, b, c] = tiers.map(({ name }) => name)
  return pairs(0).flatMap((first) =>
    pairs(1)
      .filter((second) => second.j >= first.m)
      .map((second) => `${a}[0-${first.j}]>${b}[${first.m}-${second.j}]>${c}[${second.m}-${tiers[2]!.depth - 1}]`),
  )
}

describe('multiStitch', () => {
  it('is the sliding window where one stitch is allowed or there are two tiers', () => {
    for (const pairs of ['nearest', 'all'] as const) {
      expect(texts(multiStitch(tiSmBa, { pairs, maxStitches: 1 }))).toEqual(texts(slidingWindow(tiSmBa, { pairs })))
    }
    expect(texts(multiStitch(tiSmBa.slice(1)))).toEqual(texts(slidingWindow(tiSmBa.slice(1))))
  })

  it.each([[tiSmBa], [[tier(192, 6), tier(384, 9), tier(768, 12)]], [[tier(192, 9), tier(384, 3), tier(768, 6)]]])(
    'continues it with every second stitch that leaves at or after the landing block: %j',
    (tiers) => {
      const once = texts(slidingWindow(tiers))
      expect(texts(multiStitch(tiers))).toEqual([...once, ...twoStitchTexts(tiers)])
    },
  )

  it('counts without listing what it lists', () => {
    for (const pairs of ['nearest', 'all'] as const) {
      for (const kernel of [1, 2, 3]) {
        for (const stride of [1, 2, 3]) {
          const space = multiStitch([tier(48, 3), tier(96, 5), tier(96, 4), tier(192, 5)], { pairs, kernel, stride })
          expect(space.count()).toBe(texts(space).length)
          expect(space.exactCount()).toBe(BigInt(space.count()))
        }
      }
    }
  })

  it('takes more stitches than tiers as no limit', () => {
    expect(multiStitch(tiSmBa, { maxStitches: 9 }).count()).toBe(multiStitch(tiSmBa).count())
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %d stitches', (maxStitches) => {
    expect(() => multiStitch(tiSmBa, { maxStitches })).toThrow(`maxStitches must be an integer of at least 1, got ${maxStitches}`)
  })
})

describe('ten tiers of depth 24', () => {
  const tiers = Array.from({ length: 10 }, (_, index) => tier(64 * (index + 1), 24))

  // Counted apart, forward over the ways to arrive at each block.
  it.each([
    ['nearest', 639_888_305_229],
    ['all', 1_234_023_978_750],
  ] as const)('streams and counts with %s pairs at once', (pairs, count) => {
    const start = performance.now()
    const space = multiStitch(tiers, { pairs })
    const seen = new Set<string>()
    for (const { path } of space.enumerate()) {
      seen.add(formatPath(path))
      if (seen.size === 1000) break
    }
    expect(seen.size).toBe(1000)
    expect(space.count()).toBe(count)
    expect(performance.now() - start).toBeLessThan(2000)
  })

  it('reaches paths through all ten tiers', () => {
    const space = multiStitch(tiers)
    expect(space.at(space.exactCount() - 1n).path.segments).toHaveLength(10)
  })
})
