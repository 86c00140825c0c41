import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  constraintsOf,
  fits,
  formatBudget,
  formatMeasure,
  knownMeasures,
  overshoot,
  parseBudget,
  parseMeasure,
  violations,
} from './budget.js'

describe('constraints', () => {
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

    it('are summed as shares of their caps, so that no measure outweighs another by its unit', () => {
      expect(overshoot({ macs: 6, parameters: 25, memory: 1 }, { macs: 4, parameters: 20, memory: 2 })).toBeCloseTo(0.75, 12)
      expect(overshoot({ macs: 6e9, parameters: 25, memory: 1 }, { macs: 4e9, parameters: 20, memory: 2 })).toBeCloseTo(0.75, 12)
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
})

describe('measures', () => {
  fc.configureGlobal({ seed: 1 })

  describe('parseMeasure', () => {
    it.each([
      ['macs', '5e9', 5e9],
      ['macs', '4.608338304G', 4_608_338_304],
      ['macs', '3.3M', 3_300_000],
      ['parameters', '12k', 12_000],
      ['parameters', '12K', 12_000],
      ['parameters', '1.5e3k', 1_500_000],
      ['memory', '1.5GB', 1.5e9],
      ['memory', '1.5GiB', 1.5 * 1024 ** 3],
      ['bytes', '8MiB', 8 * 1024 ** 2],
      ['bytes', '8KB', 8000],
      ['bytes', '.5kB', 500],
      ['latency', '20ms', 20],
      ['latency', '0.25', 0.25],
    ])('reads %s=%s', (measure, text, value) => {
      expect(parseMeasure(measure, text)).toBe(value)
    })

    it.each([
      ['macs', '5GB'],
      ['macs', '5m'],
      ['memory', '5Mb'],
      ['latency', '5s'],
      ['macs', ''],
      ['macs', 'NaN'],
      ['macs', '0x10'],
      ['macs', '1 000'],
      ['macs', '5constructor'],
    ])('refuses %s=%s', (measure, text) => {
      expect(parseMeasure(measure, text)).toBeUndefined()
    })
  })

  describe('formatMeasure', () => {
    it.each([
      ['macs', 4_696_010_496, '4.696010496G'],
      ['macs', 5e9, '5G'],
      ['parameters', 22_345_960, '22.34596M'],
      ['memory', 1.5e9, '1.5GB'],
      ['bytes', 12, '12B'],
      ['latency', 20, '20ms'],
      ['energy', 20_000, '20000'],
    ])('writes %s %d as %s', (measure, value, text) => {
      expect(formatMeasure(measure, value)).toBe(text)
    })

    it('is read back as exactly the same number', () => {
      const values = fc.oneof(fc.double({ min: 1e-12, max: 1e30, noNaN: true }), fc.maxSafeInteger())
      fc.assert(
        fc.property(fc.constantFrom(...knownMeasures), values, (measure, value) => {
          expect(parseMeasure(measure, formatMeasure(measure, value))).toBe(value)
        }),
      )
    })
  })
})

describe('the text of a budget', () => {
  fc.configureGlobal({ seed: 1 })

  describe('parseBudget', () => {
    it('reads a conjunction of caps', () => {
      expect(parseBudget('macs=5e9,params=3e6,memory=1.5GB')).toEqual({ macs: 5e9, parameters: 3e6, memory: 1.5e9 })
      expect(parseBudget(' parameters = 3M , latency = 20ms,bytes=6MiB ')).toEqual({ parameters: 3e6, latency: 20, bytes: 6 * 1024 ** 2 })
    })

    it.each([
      ['', /list of measure=cap.*got ''/],
      ['macs', /list of measure=cap.*got 'macs'/],
      ['macs=', /list of measure=cap.*got 'macs='/],
      ['macs=5,', /list of measure=cap.*got '' in 'macs=5,'/],
      ['flops=5e9', /unknown measure 'flops'.*expected one of macs, parameters, memory, bytes, latency/],
      ['__proto__=5', /unknown measure '__proto__'/],
      ['macs=1,macs=2', /macs comes twice/],
      ['params=1,parameters=2', /parameters comes twice/],
      ['macs=0', /cap of macs must be a positive number.*got '0'/],
      ['params=-3M', /cap of parameters must be a positive number.*k, K, M, G.*got '-3M'/],
      ['macs=1e999', /positive number.*got '1e999'/],
      ['macs=5GB', /cap of macs.*got '5GB'/],
      ['memory=much', /KiB, MiB, GiB: got 'much'/],
    ])("refuses '%s' in one line", (text, message) => {
      expect(() => parseBudget(text)).toThrow(message)
      expect(() => parseBudget(text)).not.toThrow(/\n/)
    })
  })

  describe('formatBudget', () => {
    it('writes readable suffixes and leaves absent caps out', () => {
      expect(formatBudget({ macs: 5e9, parameters: undefined, memory: 1.5e9, latency: 20 })).toBe('macs=5G,memory=1.5GB,latency=20ms')
      expect(formatBudget({})).toBe('')
    })

    it('refuses a cap that is no cap', () => {
      expect(() => formatBudget({ macs: Number.NaN })).toThrow('the cap of macs must be a positive finite number: got NaN')
    })

    it('is the inverse of parseBudget', () => {
      const budgets = fc.dictionary(fc.constantFrom(...knownMeasures), fc.double({ min: 1e-6, max: 1e15, noNaN: true }), {
        minKeys: 1,
        noNullPrototype: true,
      })
      fc.assert(
        fc.property(budgets, (budget) => {
          expect(parseBudget(formatBudget(budget))).toEqual(budget)
        }),
      )
    })
  })
})
