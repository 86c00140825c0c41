import { describe, expect, it } from 'vitest'
import { defaultConfig, parseConfig } from './config.js'

describe('parseConfig', () => {
  it('puts given values in place of the defaults', () => {
    expect(parseConfig({})).toEqual(defaultConfig)
    expect(parseConfig({ budget: { parameters: 1e6 } })).toEqual({ ...defaultConfig, budget: { parameters: 1e6 } })
  })

  it.each([
    [{ epochs: 3 }, /Unrecognized key: "epochs"/],
    [{ distillation: { ...defaultConfig.distillation, epoch: 1 } }, /distillation: Unrecognized key: "epoch"/],
    [{ comparisonImages: -1 }, /comparisonImages/],
    [{ initialisers: ['learnt'] }, /initialisers\.0/],
    [{ auxiliaries: [{ width: 48, depth: 6, heads: 3 }] }, /auxiliaries/],
  ])('refuses %j in one line that names the key', (values, message) => {
    expect(() => parseConfig(values)).toThrow(message)
    expect(() => parseConfig(values)).not.toThrow(/\n/)
  })
})
