import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { texts, tier, tiSmBa } from '../testing/paths.js'
import { formatPath, parsePath } from './path.js'
import { aligned, earlyExits, multiStitch, singleTiers, slidingWindow, twoWay, type WindowOptions, windowSlots } from './spaces.js'

describe('singleTiers', () => {
  it('lists every tier as a whole, ascending, without stitches', () => {
    const space = singleTiers(tiSmBa)
    expect(texts(space)).toEqual(['ti12[0-11]', 'sm12[0-11]', 'ba12[0-11]'])
    expect([space.count(), [...space.stitchIds()], [...space.enumerate()].flatMap(({ stitches }) => stitches)]).toEqual([3, [], []])
  })

  it('refuses an empty list', () => {
    expect(() => singleTiers([])).toThrow('at least one tier, got none')
  })
})

describe('earlyExits', () => {
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
})

describe('slidingWindow', () => {
  it('gives the 71 models of SN-Net for DeiT-Ti/S/B', () => {
    const space = slidingWindow(tiSmBa)
    expect(texts(space)).toHaveLength(71)
    expect(space.count()).toBe(71)
    expect([...space.stitchIds()]).toHaveLength(22)
  })

  it('goes by single tiers, then pair by pair, window by window, j then m', () => {
    expect(texts(slidingWindow(tiSmBa)).slice(0, 12)).toEqual([
      'ti12[0-11]',
      'sm12[0-11]',
      'ba12[0-11]',
      'ti12[0-0]>sm12[0-11]',
      'ti12[0-0]>sm12[1-11]',
      'ti12[0-1]>sm12[0-11]',
      'ti12[0-1]>sm12[1-11]',
      'ti12[0-1]>sm12[2-11]',
      'ti12[0-2]>sm12[1-11]',
      'ti12[0-2]>sm12[2-11]',
      'ti12[0-2]>sm12[3-11]',
      'ti12[0-3]>sm12[2-11]',
    ])
    expect(texts(slidingWindow(tiSmBa))[37]).toBe('sm12[0-0]>ba12[0-11]')
    expect(texts(slidingWindow(tiSmBa)).at(-1)).toBe('sm12[0-11]>ba12[11-11]')
  })

  it('names the shared stitch of every path', () => {
    const stitched = [...slidingWindow([tier(192, 9), tier(768, 9)]).enumerate()]
    expect(stitched[1]!.stitches).toEqual([])
    expect(stitched.slice(2, 7).map(({ stitches }) => stitches[0]!.id)).toEqual([...Array(4).fill('ti9>ba9#0'), 'ti9>ba9#1'])
    expect(stitched[6]!.stitches).toEqual([{ id: 'ti9>ba9#1', from: { tier: 'ti9', block: 1 }, to: { tier: 'ba9', block: 2 } }])
  })

  it('stitches all pairs of tiers on request', () => {
    const space = slidingWindow(tiSmBa, { pairs: 'all' })
    expect(space.count()).toBe(3 + 3 * 34)
    expect([...space.stitchIds()].map(({ id }) => id).filter((id) => id.endsWith('#0'))).toEqual([
      'ti12>sm12#0',
      'ti12>ba12#0',
      'sm12>ba12#0',
    ])
    expect(texts(space)[3 + 34]).toBe('ti12[0-0]>ba12[0-11]')
  })

  it('takes unequal depths', () => {
    const space = slidingWindow([tier(192, 6), tier(768, 9)])
    expect(space.count()).toBe(2 + 19)
    expect([...space.stitchIds()]).toHaveLength(8)
    expect(slidingWindow([tier(192, 12), tier(768, 9)]).count()).toBe(2 + 28)
  })

  it('takes equal widths', () => {
    expect(texts(slidingWindow([tier(192, 2), { name: 'other', width: 192, depth: 2 }]))).toContain('ti2[0-0]>other[1-1]')
  })

  it('is a single tier where there is one', () => {
    expect(texts(slidingWindow([tier(192, 9)]))).toEqual(['ti9[0-8]'])
  })
})

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

describe('windowSlots', () => {
  const slots = (frontDepth: number, backDepth: number, options: WindowOptions = {}) =>
    windowSlots([tier(192, frontDepth), tier(768, backDepth)], options)

  const sizes = (frontDepth: number, backDepth: number, options: WindowOptions = {}) =>
    slots(frontDepth, backDepth, options).map(({ pairs }) => pairs.length)

  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)

  describe('windowSlots with equal depths', () => {
    it.each([
      [12, 34, 11],
      [9, 25, 8],
      [6, 16, 5],
      [1, 1, 1],
    ])('gives SN-Net its pairs and stitches at depth %d', (depth, pairs, stitches) => {
      expect([sum(sizes(depth, depth)), sizes(depth, depth).length]).toEqual([pairs, stitches])
    })

    it('shares one stitch among the new pairs of a window, j then m ascending', () => {
      expect(slots(3, 3)).toEqual([
        {
          id: 'ti3>ba3#0',
          fromTier: 'ti3',
          toTier: 'ba3',
          pairs: [
            { j: 0, m: 0 },
            { j: 0, m: 1 },
            { j: 1, m: 0 },
            { j: 1, m: 1 },
          ],
        },
        {
          id: 'ti3>ba3#1',
          fromTier: 'ti3',
          toTier: 'ba3',
          pairs: [
            { j: 1, m: 2 },
            { j: 2, m: 1 },
            { j: 2, m: 2 },
          ],
        },
      ])
    })

    it.each([
      [{ kernel: 1 }, [1, 1, 1, 1, 1, 1]],
      [{ kernel: 2, stride: 2 }, [4, 4, 4]],
      [{ kernel: 3 }, [9, 5, 5, 5]],
      [{ kernel: 3, stride: 2 }, [9, 8, 3]],
      [{ kernel: 2, stride: 3 }, [4, 4]],
      [{ kernel: 6 }, [36]],
      [{ kernel: 99, stride: 99 }, [36]],
    ])('%j at depth 6', (options, expected) => {
      expect(sizes(6, 6, options)).toEqual(expected)
    })
  })

  describe('windowSlots with unequal depths', () => {
    it('scales positions and drops pairs that it had', () => {
      expect(slots(2, 3).map(({ pairs }) => pairs.map(({ j, m }) => `${j},${m}`).join(' '))).toEqual(['0,0 0,1', '0,2 1,1 1,2'])
    })

    it.each([
      [6, 9, [2, 3, 3, 1, 3, 3, 1, 3]],
      [12, 9, [2, 3, 3, 3, 1, 3, 3, 3, 1, 3, 3]],
      [9, 6, [2, 3, 3, 1, 3, 3, 1, 3]],
    ])('depths %d and %d', (front, back, expected) => {
      expect(sizes(front, back)).toEqual(expected)
    })

    it('never repeats a pair, stays inside both tiers and starts with block 0 to block 0', () => {
      const small = fc.integer({ min: 1, max: 12 })
      fc.assert(
        fc.property(small, small, small, small, (front, back, kernel, stride) => {
          const all = slots(front, back, { kernel, stride }).flatMap(({ pairs }) => pairs)
          expect(all[0]).toEqual({ j: 0, m: 0 })
          expect(new Set(all.map(({ j, m }) => `${j},${m}`)).size).toBe(all.length)
          expect(all.every(({ j, m }) => j < front && m < back)).toBe(true)
        }),
        { seed: 1, numRuns: 300 },
      )
    })
  })

  it('refuses kernels and strides that are no positive integers', () => {
    expect(() => slots(6, 6, { kernel: 0 })).toThrow('kernel must be an integer of at least 1, got 0')
    expect(() => slots(6, 6, { stride: 0.5 })).toThrow('stride must be an integer of at least 1, got 0.5')
  })
})

describe('twoWay', () => {
  const space = twoWay([tier(384, 12), tier(768, 12)])

  it('gives the paths of SN-Netv2 that run: 2 + 11 + 11 + 55 + 55', () => {
    const shapes = new Map<string, number>()
    for (const text of texts(space)) {
      const shape = text.replaceAll(/\[.*?\]/g, '')
      shapes.set(shape, (shapes.get(shape) ?? 0) + 1)
    }
    expect([...shapes]).toEqual([
      ['sm12', 1],
      ['ba12', 1],
      ['sm12>ba12', 11],
      ['ba12>sm12', 11],
      ['sm12>ba12>sm12', 55],
      ['ba12>sm12>ba12', 55],
    ])
    expect(space.count()).toBe(134)
  })

  it('leaves block i and lands at i + 1', () => {
    const all = texts(space)
    expect(all[2]).toBe('sm12[0-0]>ba12[1-11]')
    expect(all[12]).toBe('sm12[0-10]>ba12[11-11]')
    expect(all[24]).toBe('sm12[0-0]>ba12[1-1]>sm12[2-11]')
    expect(all.at(-1)).toBe('ba12[0-9]>sm12[10-10]>ba12[11-11]')
  })

  it('shares one stitch per direction and block', () => {
    const slots = [...space.stitchIds()]
    expect(slots).toHaveLength(22)
    expect(slots[11]).toEqual({ id: 'ba12>sm12#0', fromTier: 'ba12', toTier: 'sm12', pairs: [{ j: 0, m: 1 }] })
  })

  it('scales blocks where depths differ', () => {
    expect(texts(twoWay([tier(192, 2), tier(768, 4)]))).toEqual([
      'ti2[0-1]',
      'ba4[0-3]',
      'ti2[0-0]>ba4[1-3]',
      'ti2[0-0]>ba4[2-3]',
      'ti2[0-1]>ba4[3-3]',
      'ba4[0-0]>ti2[0-1]',
      'ba4[0-1]>ti2[1-1]',
      'ba4[0-2]>ti2[1-1]',
      'ti2[0-0]>ba4[1-1]>ti2[1-1]',
      'ti2[0-0]>ba4[1-2]>ti2[1-1]',
      'ti2[0-0]>ba4[2-2]>ti2[1-1]',
      'ba4[0-0]>ti2[0-0]>ba4[1-3]',
      'ba4[0-0]>ti2[0-0]>ba4[2-3]',
      'ba4[0-0]>ti2[0-1]>ba4[3-3]',
      'ba4[0-1]>ti2[1-1]>ba4[3-3]',
      'ba4[0-2]>ti2[1-1]>ba4[3-3]',
    ])
  })

  it('refuses other than two tiers', () => {
    expect(() => twoWay(tiSmBa)).toThrow('exactly two tiers, got 3')
    expect(() => twoWay(tiSmBa.slice(2))).toThrow('exactly two tiers, got 1')
  })
})

describe('aligned', () => {
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
    expect(() => aligned([standing(16, [1, 1])])).toThrow('got [1, 1]')
    expect(() => aligned([{ ...tier(16, 3), standsFor: [0] }])).toThrow('one for each of its 3 blocks')
    expect(() => aligned([standing(16, [0])], { stride: 0.5 })).toThrow('stride must be an integer of at least 1, got 0.5')
    expect(() => aligned([standing(16, [0])], { stride: 0 })).toThrow('stride must be an integer of at least 1, got 0')
    expect(() => aligned([standing(16, [0])], { maxStitches: 0 })).toThrow('maxStitches must be an integer of at least 1, got 0')
  })
})
