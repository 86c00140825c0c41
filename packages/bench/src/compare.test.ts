import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, type Measured, median, quantile, spreadOf, stepsPerTurn } from './compare.js'
import type { Participant } from './participant.js'

describe('compare', () => {
  /** A participant whose steps all take `ms`, and which tells `log` of its turns. */
  const of = (name: string, ms: number, log: string[], failsAt = Number.POSITIVE_INFINITY) => {
    let turns = 0
    return async (): Promise<Participant> => ({
      async turn(steps, leadIn) {
        log.push(`${name} ${leadIn}+${steps}`)
        if (++turns > failsAt) throw new Error(`${name} broke`)
        return { ms: Array.from({ length: steps }, () => ms), memory: { bytes: turns, of: 'process' }, commands: null }
      },
    })
  }

  describe('compare', () => {
    it('warms up, then lets all take three turns', async () => {
      const log: string[] = []
      const outcome = await compare({ a: of('a', 10, log), b: of('b', 5000, log) }, { steps: 6 })
      expect(log).toEqual(['a 0+1', 'a 1+20', 'b 0+1', 'a 1+2', 'b 0+2', 'a 1+2', 'b 0+2', 'a 1+2', 'b 0+2'])
      expect(outcome.a).toEqual({ ms: Array(6).fill(10), memory: { bytes: 5, of: 'process' }, commands: null })
      expect((outcome.b as Measured).ms).toEqual(Array(6).fill(5000))
    })

    it('lets one that fails drop out, at its start or later, and goes on with the others', async () => {
      const log: string[] = []
      const outcome = await compare(
        {
          early: () => Promise.reject(new Error('no such backend')),
          late: of('late', 10, log, 3),
          well: of('well', 10, log),
        },
        { steps: 3 },
      )
      expect(outcome.early).toEqual(new Error('no such backend'))
      expect(outcome.late).toEqual(new Error('late broke'))
      expect(log.filter((line) => line.startsWith('late'))).toHaveLength(4)
      expect((outcome.well as Measured).ms).toHaveLength(3)
    })

    it('tells of each turn beforehand', async () => {
      const told: string[] = []
      await compare({ a: of('a', 10, []) }, { steps: 3, onTurn: (name, done, total) => told.push(`${name} ${done}/${total}`) })
      expect(told).toEqual(['a 0/4', 'a 1/4', 'a 2/4', 'a 3/4'])
    })
  })

  describe('stepsPerTurn', () => {
    it('is one of long steps and twenty of short ones', () => {
      expect(stepsPerTurn(11_000, {})).toBe(1)
      expect(stepsPerTurn(1, {})).toBe(20)
    })

    it('gives about the wanted time, and never less than three steps in all', () => {
      fc.assert(
        fc.property(fc.double({ min: 0.01, max: 1e5, noNaN: true }), (stepMs) => {
          const steps = 3 * stepsPerTurn(stepMs, { targetMs: 6000 })
          expect(steps).toBeGreaterThanOrEqual(3)
          expect(steps).toBeLessThanOrEqual(60)
          expect((steps - 3) * stepMs).toBeLessThan(6000)
        }),
        { seed: 1 },
      )
    })
  })
})

describe('statistics', () => {
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
})
