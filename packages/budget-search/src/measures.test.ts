import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatMeasure, knownMeasures, parseMeasure } from './measures.js'

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
