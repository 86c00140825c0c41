import { describe, expect, it } from 'vitest'
import type { Overrides } from '../config/merge-config.js'
import { UsageError } from '../errors.js'
import { defaultConfig, type QuickstartConfig, readConfig } from './config.js'

const resolved = (values: object) => readConfig(undefined, values as Overrides<QuickstartConfig>)

describe('the configuration of the quickstart', () => {
  it('puts given values in place of the defaults', async () => {
    expect(await resolved({})).toEqual(defaultConfig)
    expect(await resolved({ budget: undefined })).toEqual(defaultConfig)
    expect(await resolved({ budget: { parameters: 1e6 } })).toEqual({ ...defaultConfig, budget: { parameters: 1e6 } })
  })

  it('merges nested values', async () => {
    const { distillation } = defaultConfig
    expect(await resolved({ distillation: { batchSize: 32 } })).toEqual({
      ...defaultConfig,
      distillation: { ...distillation, batchSize: 32 },
    })
  })

  it.each<[object, string]>([
    [{ epochs: 3 }, "there is no option 'epochs'; the options there are tiers, "],
    [{ calibrationImage: 3 }, "there is no option 'calibrationImage'; did you mean 'calibrationImages'?"],
    [
      { distillation: { ...defaultConfig.distillation, bachSize: 1 } },
      "there is no option 'distillation.bachSize'; did you mean 'batchSize'?",
    ],
    [
      { distillation: { epochs: 1 } },
      "there is no option 'distillation.epochs'; the options there are batchSize, learningRate, weightDecay",
    ],
    [{ tiers: [{ widht: 12, width: 12, epochs: 1 }] }, "there is no option 'tiers.0.widht'; did you mean 'width'?"],
    [{ comparisonImages: -1 }, "'comparisonImages' must be more than 0, got -1"],
    [
      { initialisers: ['learnt'] },
      "'initialisers.0' must be one of 'learned', 'leastSquares', 'ridge', 'random' (did you mean 'learned'?), got 'learnt'",
    ],
    [{ auxiliaries: [{ width: 48, depth: 6, heads: 3 }] }, "there is no option 'auxiliaries'; the options there are tiers, "],
  ])('refuses %j in one line that names the option', async (values, message) => {
    const error = await resolved(values).catch((error: Error) => error)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message.startsWith(`quickstart configuration: ${message}`)).toBe(true)
    expect((error as Error).message).not.toMatch(/\n/)
  })
})
