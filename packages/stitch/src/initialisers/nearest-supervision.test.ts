import { describe, expect, it } from 'vitest'
import { type BlockPair, slidingWindow } from '../paths/index.js'
import { nearestSupervision } from './nearest-supervision.js'
import { dense9, transformations } from './testing.js'

type Positions = readonly (readonly [number, number])[]

function nearest(from: Positions, to: Positions, pairs: readonly BlockPair[]): number {
  const tiers = { from: transformations('student', 2, 3, from, 1), to: transformations('student', 2, 3, to, 2) }
  return nearestSupervision(tiers, 'ti9>ba9#0', pairs).to.ancestorPosition
}

const dense6 = [
  [1, 3],
  [3, 7],
  [5, 11],
] as const

describe('one pair', () => {
  it.each([
    [0, 3],
    [3, 3],
    [4, 3],
    [5, 7],
    [7, 7],
    [8, 11],
  ])('landing at block %d of 9 takes ancestor position %d', (m, expected) => {
    expect(nearest(dense9, dense9, [{ j: 4, m }])).toBe(expected)
  })

  it('settles equal distances in the back tier by the front tier, then by the lower position', () => {
    const back = [
      [2, 3],
      [4, 7],
    ] as const
    expect(nearest(dense9, back, [{ j: 2, m: 4 }])).toBe(3)
    expect(nearest(dense9, back, [{ j: 4, m: 4 }])).toBe(7)
    const front = [
      [2, 3],
      [4, 7],
    ] as const
    expect(nearest(front, back, [{ j: 3, m: 4 }])).toBe(3)
    expect(nearest([...front].reverse(), [...back].reverse(), [{ j: 3, m: 4 }])).toBe(3)
  })

  it('lets the back tier decide however far the front tier is', () => {
    expect(nearest(dense9, dense9, [{ j: 0, m: 8 }])).toBe(11)
  })
})

it('sums over the pairs of a stitch: windows of unequal tiers move through the positions in order', () => {
  const slots = [
    ...slidingWindow([
      { name: 'a', width: 2, depth: 6 },
      { name: 'b', width: 3, depth: 9 },
    ]).stitchIds(),
  ]
  const chosen = slots.map(({ pairs }) => nearest(dense6, dense9, pairs))
  expect(chosen).toEqual([...chosen].sort((a, b) => a - b))
  expect(new Set(chosen)).toEqual(new Set([3, 7, 11]))
  // |2 - (m - 1)| is 1 + 1 + 3 at block 2, |5 - (m - 1)| is 2 + 2 + 0 at block 5.
  expect(
    nearest(dense9, dense9, [
      { j: 3, m: 4 },
      { j: 4, m: 4 },
      { j: 4, m: 6 },
    ]),
  ).toBe(7)
})

it('considers only positions that both tiers share', () => {
  const front = [
    [3, 5],
    [8, 11],
  ] as const
  expect(nearest(front, dense9, [{ j: 1, m: 0 }])).toBe(11)
  expect(() => nearest([[3, 5]], dense9, [{ j: 1, m: 1 }])).toThrow(
    'stitch ti9>ba9#0: its tiers must share a supervised ancestor position, got 5 in front and 3, 7, 11 behind',
  )
})
