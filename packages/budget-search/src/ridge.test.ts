import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRng } from './fixtures.js'
import { fitRidge } from './ridge.js'

fc.configureGlobal({ seed: 1 })

const rng = seededRng(1)
const rows = Array.from({ length: 40 }, () => [1e9 * rng.normal(), 3 + rng.normal(), rng.normal()])
const linear = ([a, b, c]: readonly number[]): number => 5 + 2e-9 * a! - 3 * b! + 0.5 * c!

describe('fitRidge', () => {
  it('recovers a linear function, whatever the scale of its features', () => {
    const predict = fitRidge(rows, rows.map(linear), 1e-9)
    for (const probe of [
      [0, 0, 0],
      [2e9, 3, 1],
      [-1e9, 10, -4],
    ]) {
      expect(predict(probe)).toBeCloseTo(linear(probe), 5)
    }
  })

  it('tends to the mean of the targets as lambda grows', () => {
    const targets = rows.map(linear)
    const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length
    expect(fitRidge(rows, targets, 1e12)([2e9, 3, 1])).toBeCloseTo(mean, 6)
  })

  it('minimises the penalised squares: no other weight of one feature does better', () => {
    const x = [1, 2, 4, 7]
    const y = [2, 1, 5, 6]
    const lambda = 0.3
    const [mx, my] = [3.5, 3.5]
    const spread = Math.sqrt(x.reduce((sum, value) => sum + (value - mx) ** 2, 0) / 4)
    const loss = (w: number) => x.reduce((sum, value, i) => sum + (y[i]! - my - (w * (value - mx)) / spread) ** 2, lambda * 4 * w * w)
    const predict = fitRidge(
      x.map((value) => [value]),
      y,
      lambda,
    )
    const weight = predict([mx + spread]) - my
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (other) => {
        expect(loss(weight)).toBeLessThanOrEqual(loss(other) + 1e-9)
      }),
    )
  })

  it('copes with constant, repeated and missing features', () => {
    const targets = rows.map(linear)
    const predict = fitRidge(
      rows.map((row) => [...row, ...row, 0.1]),
      targets,
      1e-6,
    )
    expect(predict([...rows[3]!, ...rows[3]!, 0.1])).toBeCloseTo(targets[3]!, 3)
    expect(fitRidge([[], []], [1, 3], 1)([])).toBe(2)
  })

  it('refuses what does not match', () => {
    expect(() => fitRidge([], [], 1)).toThrow('0 rows, 0 targets')
    expect(() => fitRidge([[1]], [1, 2], 1)).toThrow('1 rows, 2 targets')
    expect(() => fitRidge([[1]], [1], 0)).toThrow('lambda must be positive: got 0')
    expect(() => fitRidge([[1], [1, 2]], [1, 2], 1)).toThrow('expected 1 numbers, got [1, 2]')
    expect(() => fitRidge([[1], [Number.NaN]], [1, 2], 1)).toThrow('got [NaN]')
    expect(() => fitRidge([[1]], [1], 1)([1, 2])).toThrow('expected 1 numbers, got [1, 2]')
  })
})
