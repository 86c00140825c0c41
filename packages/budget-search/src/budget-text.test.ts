import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBudget, parseBudget } from './budget-text.js'
import { knownMeasures } from './measures.js'

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
