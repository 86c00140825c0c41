import { createRng } from '@learngene/training'
import { describe, expect, it } from 'vitest'
import { median } from '../compare.js'
import { fitWholes } from './fit-wholes.js'

describe('fitWholes', () => {
  it('is the median difference where the parts explain the rest, and of few networks always', () => {
    const times = [2, 4, 6, 8, 10].map((composedMs) => ({ composedMs, measuredMs: composedMs + 1.5 }))
    expect(fitWholes(times)).toEqual({ overheadMs: 1.5, factor: 1 })
    const steep = times.map(({ composedMs }) => ({ composedMs, measuredMs: 2 * composedMs }))
    expect(fitWholes(steep.slice(0, 3))).toEqual({ overheadMs: 4, factor: 1 })
    expect(fitWholes(steep.slice(0, 1))).toEqual({ overheadMs: 2, factor: 1 })
  })

  it('takes a factor where parts take longer in a network, also where one network was interrupted', () => {
    const times = [2, 4, 6, 8, 10].map((composedMs) => ({ composedMs, measuredMs: 0.5 + 1.25 * composedMs }))
    const { overheadMs, factor } = fitWholes(times)
    expect([overheadMs, factor].map((value) => Number(value.toFixed(9)))).toEqual([0.5, 1.25])
    const interrupted = times.map((each, i) => (i === 1 ? { ...each, measuredMs: each.measuredMs + 0.3 } : each))
    expect(fitWholes(interrupted).factor).toBeCloseTo(1.25, 1)
  })

  it('keeps the factor within reason, and needs none where all networks are of one size', () => {
    const times = [1, 2, 3, 4, 5].map((composedMs) => ({ composedMs, measuredMs: 9 * composedMs }))
    expect(fitWholes(times).factor).toBeLessThanOrEqual(2)
    expect(fitWholes(times.map(({ measuredMs }) => ({ composedMs: 3, measuredMs })))).toEqual({ overheadMs: 24, factor: 1 })
  })

  /** Mean over 200 profiles of the largest error on 16 networks, by an offset alone and by what is fitted. */
  function simulated(factor: number, noise: number, [low, high]: readonly [number, number], overhead: number) {
    const rng = createRng(5)
    const times = (count: number) =>
      Array.from({ length: count }, (_, i) => {
        const parts = low + ((high - low) * i) / (count - 1)
        const truth = overhead + factor * parts
        const interruption = rng.uniform() < 0.1 ? 1 + 0.2 * rng.uniform() : 1
        return {
          composedMs: parts * (1 + 0.3 * noise * rng.normal()),
          measuredMs: truth * (1 + noise * rng.normal()) * interruption,
          truth,
        }
      })
    let [offset, fitted] = [0, 0]
    for (let profile = 0; profile < 200; profile++) {
      const some = times(5)
      const others = times(16)
      const alone = median(some.map(({ composedMs, measuredMs }) => measuredMs - composedMs))
      const fit = fitWholes(some)
      const largest = (of: (parts: number) => number) =>
        Math.max(...others.map(({ composedMs, truth }) => Math.abs(of(composedMs) - truth) / truth))
      offset += largest((parts) => alone + parts)
      fitted += largest((parts) => fit.overheadMs + fit.factor * parts)
    }
    return { offset: offset / 200, fitted: fitted / 200 }
  }

  it('is no worse than an offset where there is no factor, at any noise', () => {
    for (const noise of [0.005, 0.02, 0.05]) {
      for (const [range, overhead] of [
        [[1.2, 4.3], 0.2],
        [[8, 14], 3],
      ] as const) {
        const { offset, fitted } = simulated(1, noise, range, overhead)
        expect(fitted).toBeLessThan(1.06 * offset)
      }
    }
  })

  it('is much better where there is one that the noise does not hide', () => {
    for (const factor of [0.85, 1.25]) {
      const { offset, fitted } = simulated(factor, 0.02, [1.2, 4.3], 0.2)
      expect(fitted).toBeLessThan(0.5 * offset)
    }
  })
})
