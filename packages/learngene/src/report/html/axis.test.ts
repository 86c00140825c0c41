import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linearAxis, logAxis } from './axis.js'

describe('linearAxis', () => {
  it.each([
    [
      [0.836, 0.905],
      [0.82, 0.84, 0.86, 0.88, 0.9, 0.92],
    ],
    [
      [3.02e6, 12.6e6],
      [2e6, 4e6, 6e6, 8e6, 10e6, 12e6, 14e6],
    ],
    [
      [5, 5],
      [5, 6],
    ],
    [
      [0, 0],
      [0, 0.2],
    ],
  ] as const)('spans %j with ticks %j', ([least, most], ticks) => {
    const axis = linearAxis([least, most], [0, 100])
    expect(axis.ticks).toEqual(ticks)
    expect(axis.position(ticks[0])).toBeCloseTo(0)
    expect(axis.position(ticks.at(-1)!)).toBeCloseTo(100)
  })

  it('stays inside its limits', () => {
    const { ticks, position } = linearAxis([0.93, 0.999], [10, 0], { floor: 0, ceiling: 1 })
    expect(ticks.at(-1)).toBe(1)
    expect(position(1)).toBeCloseTo(0)
  })

  it('holds every value of its range and 2 to 12 ticks, whatever the range', () => {
    const value = fc.double({ min: 1e-3, max: 1e12, noNaN: true })
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [least, most] = [Math.min(a, b), Math.max(a, b)]
        const { ticks, position } = linearAxis([least, most], [0, 1])
        expect(position(least)).toBeGreaterThan(-1e-6)
        expect(position(most)).toBeLessThan(1 + 1e-6)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(12)
      }),
      { seed: 1 },
    )
  })
})

describe('logAxis', () => {
  it('spaces powers of ten evenly', () => {
    const { ticks, position } = logAxis([1e6, 1e9], [0, 300])
    expect(ticks).toEqual([1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9])
    expect(position(1e7) - position(1e6)).toBeCloseTo(position(1e9) - position(1e8))
    expect(position(1e6)).toBeGreaterThan(0)
    expect(position(1e9)).toBeLessThan(300)
  })

  it('takes powers of ten, or some of them, where the others are too many', () => {
    expect(logAxis([1e6, 1e9], [0, 300], { count: 6 }).ticks).toEqual([1e6, 1e7, 1e8, 1e9])
    expect(logAxis([1, 1e12], [0, 300], { count: 6 }).ticks).toEqual([1, 1e3, 1e6, 1e9, 1e12])
  })

  it('has 2 to `count` ticks inside it, from a ratio of ten on', () => {
    const ratio = fc.double({ min: 10, max: 1e8, noNaN: true })
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), ratio, fc.integer({ min: 6, max: 12 }), (least, ratio, count) => {
        const { ticks, position } = logAxis([least, least * ratio], [0, 100], { count })
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(count)
        for (const tick of ticks) expect(position(tick) >= -1e-9 && position(tick) <= 100 + 1e-9).toBe(true)
      }),
      { seed: 1 },
    )
  })
})
