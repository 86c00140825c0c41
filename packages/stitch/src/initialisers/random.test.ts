import { expect, it } from 'vitest'
import { testRng } from '../testing.js'
import { random } from './random.js'
import { denseProblem, entries } from './testing.js'

const problem = (seed: number) => ({ ...denseProblem([], undefined, 100, 300), rng: testRng(seed) })

it('fills the interval of +-1 / sqrt(D_s) evenly, weight and bias', () => {
  const map = random(problem(1))
  expect([map.weight.length, map.bias.length]).toEqual([30000, 300])
  for (const values of [map.weight, map.bias]) {
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.1)
    expect(Math.max(...values)).toBeGreaterThan(0.09)
    expect(Math.min(...values)).toBeLessThan(-0.09)
  }
  const variance = map.weight.reduce((sum, value) => sum + value * value, 0) / 30000
  expect(variance / (0.01 / 3)).toBeCloseTo(1, 1)
})

it('depends on the generator only', () => {
  expect(entries(random(problem(1)))).toEqual(entries(random(problem(1))))
  expect(entries(random(problem(1)))).not.toEqual(entries(random(problem(2))))
})
