import { createRng } from '@learngene/training'
import { describe, expect, it } from 'vitest'
import { quantile } from '../compare.js'
import { evenRounds } from './even-rounds.js'

describe('evenRounds', () => {
  it('finds what jobs take where whole rounds are slower, and at the speed of a round in the middle', () => {
    const slowness = [1, 1.1, 1, 3, 0.9]
    const found = evenRounds([1, 5, 20].map((ms) => slowness.map((each) => ms * each)))
    for (const [i, ms] of [1, 5, 20].entries()) expect(found[i]).toBeCloseTo(ms, 9)
  })

  it('is the median of a job alone', () => {
    expect(evenRounds([[4, 1, 2]])[0]).toBeCloseTo(2, 9)
  })

  it('is not moved by one time that was interrupted', () => {
    const found = evenRounds([
      [1, 1, 50, 1],
      [2, 2, 2, 2],
      [3, 3, 3, 3],
    ])
    for (const [i, ms] of [1, 2, 3].entries()) expect(found[i]).toBeCloseTo(ms, 9)
  })

  it('ranks jobs better than first deciles or medians of each, on a machine whose speed drifts and jumps', () => {
    const rng = createRng(3)
    const errors = { evened: 0, decile: 0, median: 0 }
    const profiles = 50
    for (let profile = 0; profile < profiles; profile++) {
      const truth = Array.from({ length: 20 }, (_, i) => 1 + i)
      let drift = 0
      const slowness = Array.from({ length: 10 }, () => {
        drift = 0.8 * drift + 0.1 * rng.normal()
        return Math.exp(drift) * (rng.uniform() < 0.2 ? 1.5 : 1)
      })
      const times = truth.map((ms) => slowness.map((each) => ms * each * Math.exp(0.05 * rng.normal()) * (rng.uniform() < 0.1 ? 1.3 : 1)))
      // By the common scale, which no rule can know.
      const error = (found: readonly number[]) => {
        const ratios = found.map((ms, i) => Math.log(ms / truth[i]!))
        const scale = quantile(ratios, 0.5)
        return Math.max(...ratios.map((ratio) => Math.abs(ratio - scale)))
      }
      errors.evened += error(evenRounds(times)) / profiles
      errors.decile += error(times.map((row) => quantile(row, 0.1))) / profiles
      errors.median += error(times.map((row) => quantile(row, 0.5))) / profiles
    }
    expect(errors.evened).toBeLessThan(0.8 * errors.decile)
    expect(errors.evened).toBeLessThan(0.8 * errors.median)
  })
})
