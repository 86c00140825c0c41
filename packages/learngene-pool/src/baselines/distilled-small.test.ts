import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinyAncestor, tinyImages } from '../testing/tiny.js'
import { distillSmall, samePlan } from './distilled-small.js'

const plan = { epochs: 2, batchSize: 12, learningRate: 1e-2, weightDecay: 0.1 }

beforeAll(() => startBackend('wasm'))

describe('samePlan', () => {
  it('adds the epochs and keeps the rest of the first', () => {
    expect(samePlan([plan, plan, { epochs: 1.5, batchSize: 12, learningRate: 9 }])).toEqual({ ...plan, epochs: 5.5 })
  })

  it('refuses plans whose steps cannot be compared', () => {
    expect(() => samePlan([])).toThrow('at least one plan; got none')
    expect(() => samePlan([plan, { ...plan, batchSize: 6 }])).toThrow('batches of one size; got 12 and 6 images')
  })
})

it('distils one small model for as many steps as a whole pool takes', async () => {
  const source = tinyImages(24)
  const spec = { width: 8, depth: 2, heads: 2 }
  const { network, losses } = await distillSmall(
    tinyAncestor(),
    spec,
    source,
    { ...samePlan([plan, plan, plan]), start: 'random' },
    createRng(1),
  )
  expect(losses).toHaveLength(3 * 2 * 2)
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
  expect([network.embedding.width, network.blocks.length]).toEqual([8, 2])
})
