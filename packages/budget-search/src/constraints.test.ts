import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { constraintsOf, fits, overshoot, violations } from './constraints.js'

fc.configureGlobal({ seed: 1 })

describe('violations', () => {
  it('lists every broken cap with its value, in the order of the budget', () => {
    expect(violations({ macs: 7, parameters: 2, memory: 9 }, { memory: 8, parameters: 2, macs: 5 })).toEqual([
      { measure: 'memory', cap: 8, value: 9 },
      { measure: 'macs', cap: 5, value: 7 },
    ])
  })

  it('counts a value equal to its cap as fitting', () => {
    expect(fits({ macs: 5 }, { macs: 5 })).toBe(true)
    expect(fits({ macs: 5.000001 }, { macs: 5 })).toBe(false)
  })

  it('ignores absent caps and uncapped measures', () => {
    expect(fits({ macs: 5 }, {})).toBe(true)
    expect(fits({ macs: 5 }, { macs: undefined, latency: undefined })).toBe(true)
  })

  it('refuses a candidate without a capped measure', () => {
    expect(() => fits({ macs: 5 }, { latency: 20 })).toThrow(
      /must carry the measure latency as a finite number: got undefined, beside macs/,
    )
    expect(() => fits({ macs: Number.NaN }, { macs: 20 })).toThrow(/got NaN/)
    expect(() => fits({}, { constructor: 20 } as never)).toThrow(/must carry the measure constructor/)
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the cap %d', (cap) => {
    expect(() => constraintsOf({ macs: cap })).toThrow(`must be a positive finite number: got ${cap}`)
  })

  it('agrees with fits and overshoot', () => {
    const measures = fc.record({ macs: fc.integer({ min: 0, max: 9 }), parameters: fc.integer({ min: 0, max: 9 }) })
    const budget = fc.record({ macs: fc.integer({ min: 1, max: 9 }), parameters: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] })
    fc.assert(
      fc.property(measures, budget, (candidate, caps) => {
        const within = candidate.macs <= (caps.macs ?? 9) && candidate.parameters <= (caps.parameters ?? 9)
        expect(fits(candidate, caps)).toBe(within)
        expect(violations(candidate, caps).length === 0).toBe(within)
        expect(overshoot(candidate, caps) === 0).toBe(within)
      }),
    )
  })
})
