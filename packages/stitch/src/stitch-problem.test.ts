import { describe, expect, it } from 'vitest'
import { type BlockPair, slidingWindow } from './paths/index.js'
import { nearestSupervision, trainedTransformations } from './stitch-problem.js'
import { dense9, denseProblem, transformations } from './testing/problems.js'
import { identityMap, isIdentity } from './transformation.js'

describe('trainedTransformations', () => {
  it('picks the matrices of one side', () => {
    const problem = denseProblem(['teacher', 'student'])
    const { from, to } = trainedTransformations('learned', 'student', problem)
    expect(from).toEqual(problem.from.slice(3))
    expect(to).toEqual(problem.to.slice(3))
  })

  it('lets a tier that is fixed to the ancestor serve both sides', () => {
    const fixed = dense9.map(([position, ancestorPosition]) => ({
      side: 'student' as const,
      position,
      ancestorPosition,
      map: identityMap(11),
    }))
    const problem = { ...denseProblem(['teacher']), outputs: 11, to: fixed }
    expect(trainedTransformations('pinv', 'teacher', problem).to).toEqual(fixed)
  })

  describe('identity', () => {
    it('is exact', () => {
      const map = identityMap(3)
      expect(isIdentity(map)).toBe(true)
      expect(isIdentity({ ...map, bias: Float32Array.of(0, 1e-9, 0) })).toBe(false)
      expect(isIdentity({ ...map, weight: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1.0001) })).toBe(false)
      expect(isIdentity({ inputs: 2, outputs: 1, weight: Float32Array.of(1, 0), bias: new Float32Array(1) })).toBe(false)
    })
  })

  describe('what is missing is named', () => {
    it.each([
      [
        'learned',
        'student',
        denseProblem(['teacher']),
        "needs transformation matrices of side 'student', tier w5d9 has only those of side 'teacher'",
      ],
      ['paper', 'teacher', denseProblem(['student']), "distil it with side 'teacher' or with both sides"],
      ['pinv', 'teacher', { ...denseProblem(['teacher']), to: [] }, 'tier w7d9 has none'],
    ] as const)('%s', (name, side, problem, message) => {
      expect(() => trainedTransformations(name, side, problem)).toThrow(message)
    })
  })

  it('refuses matrices of another tier or another ancestor', () => {
    const problem = denseProblem(['student'])
    expect(() => trainedTransformations('learned', 'student', { ...problem, inputs: 6 })).toThrow(
      'tier w5d9 has width 6, got a transformation matrix of width 5 at its block 2',
    )
    const to = transformations('student', 7, 12, dense9, 1)
    expect(() => trainedTransformations('learned', 'student', { ...problem, to })).toThrow('got ancestor widths 11 and 12')
  })
})

describe('nearestSupervision', () => {
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
})
