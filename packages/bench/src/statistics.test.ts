import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, quantile, spreadOf } from './statistics.js'

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 2, 3], 0.5, 2.5],
    [[10, 20, 30, 40, 50], 0.25, 20],
    [[1, 2], 0.75, 1.75],
    [[7], 0.9, 7],
  ])('of %j at %d is %d, as numpy says', (values, share, expected) => {
    expect(quantile(values, share)).toBeCloseTo(expected, 12)
  })

  it('lies among the values, grows with the share, and leaves the values as they were', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 })
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(values, share, share, (values, a, b) => {
        const before = [...values]
        const [low, high] = [quantile(values, Math.min(a, b)), quantile(values, Math.max(a, b))]
        expect(values).toEqual(before)
        expect(low).toBeGreaterThanOrEqual(Math.min(...values))
        expect(high).toBeLessThanOrEqual(Math.max(...values))
        expect(high).toBeGreaterThanOrEqual(low - 1e-9 * Math.abs(low))
      }),
      { seed: 1 },
    )
  })

  it('needs a value', () => {
    expect(() => median([])).toThrow('at least one value; got none')
  })
})

it('spreadOf gives the extremes and the quartiles', () => {
  expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ least: 1, q1: 2, q3: 4, most: 5 })
})
