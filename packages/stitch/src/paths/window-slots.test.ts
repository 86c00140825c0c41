import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tier } from './testing.js'
import { type WindowOptions, windowSlots } from './window-slots.js'

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
