import { expect, it } from 'vitest'
import { resamplingWeights } from './resampling-weights.js'

it.each([
  ['bilinear', [0.25, 0.75]],
  ['bicubic', [-0.0703125, 0.8671875, 0.2265625, -0.0234375]],
] as const)('weighs the pixels around an output pixel: %s', (filter, expected) => {
  const { first, weights } = resamplingWeights(8, 16, filter)[filter === 'bilinear' ? 8 : 7]!
  expect(Array.from(weights)).toEqual(expected)
  expect(first).toBe(filter === 'bilinear' ? 3 : 2)
})

it.each(['bilinear', 'bicubic', 'lanczos'] as const)(
  'sums to 1, stretches where it shrinks, and keeps an axis of the same size: %s',
  (filter) => {
    for (const [from, to] of [
      [7, 3],
      [3, 7],
      [1, 4],
      [4, 1],
    ] as const) {
      const pixels = resamplingWeights(from, to, filter)
      expect(pixels).toHaveLength(to)
      for (const { first, weights } of pixels) {
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
        expect([first >= 0, first + weights.length <= from]).toEqual([true, true])
      }
    }
    expect(resamplingWeights(60, 20, filter)[10]!.weights.length).toBe({ bilinear: 6, bicubic: 12, lanczos: 18 }[filter])
    for (const [i, { first, weights }] of resamplingWeights(5, 5, filter).entries()) {
      for (const [k, weight] of weights.entries()) expect(weight).toBeCloseTo(first + k === i ? 1 : 0, 15)
    }
  },
)
