import { slidingWindow } from '@learngene/stitch'
import { startBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { type FineTuneOptions, fineTune } from './fine-tune.js'
import { type PathPolicy, uniformPaths } from './path-policy.js'
import { buildPool, disposePool, type PoolOptions, poolParameters } from './pool.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const plan = { epochs: 4, batchSize: 4, learningRate: 1e-2 }
const source = tinyImages(12)

beforeAll(() => startBackend('cpu'))

function tinyPool(options: PoolOptions = {}) {
  const ancestor = tinyAncestor()
  const tiers = [8, 16].map((width) => createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, createRng(1)))
  disposeNetwork(ancestor)
  return buildPool(tiers, options, createRng(2))
}

/** Names of the pool's tensors that a training changes. */
async function changedBy(options: Partial<FineTuneOptions>, poolOptions?: PoolOptions): Promise<string[]> {
  const before = memory().numTensors
  const pool = tinyPool(poolOptions)
  const { instances, stitches } = poolParameters(pool)
  const all = { ...instances, ...stitches }
  const valuesOfAll = async () =>
    new Map(await Promise.all(Object.entries(all).map(async ([name, p]) => [name, await valuesOf(p)] as const)))
  const start = await valuesOfAll()
  const losses = await fineTune(pool, source, { ...plan, ...options }, createRng(3))
  expect(losses).toHaveLength(12)
  expect([...losses].every(Number.isFinite)).toBe(true)
  const end = await valuesOfAll()
  disposePool(pool)
  expect(memory().numTensors).toBe(before)
  return Object.keys(all).filter((name) => end.get(name)!.join() !== start.get(name)!.join())
}

const space = slidingWindow([
  { name: 'w8d2', width: 8, depth: 2 },
  { name: 'w16d2', width: 16, depth: 2 },
])

/** Every path in turn, those without a stitch first. */
function inTurn(): PathPolicy {
  let step = 0
  const paths = [...space.enumerate()]
  return () => paths[step++ % paths.length]!
}

describe('a multiplier of 0 leaves its part as it is', () => {
  it.each<[string, Partial<FineTuneOptions>]>([
    ['paths of the default policy', {}],
    ['uniform paths, some without a stitch', { policy: uniformPaths(space) }],
    ['paths in turn, of which the first have no stitch', { policy: inTurn() }],
    ['several paths per step', { pathsPerStep: 2, policy: inTurn() }],
  ])('instances: %s', async (_, options) => {
    const changed = await changedBy({ ...options, learningRateScale: { instances: 0 } })
    expect(changed.length).toBeGreaterThan(0)
    expect(changed.every((name) => name.includes('>'))).toBe(true)
  })

  it('instances: LoRA alone', async () => {
    const changed = await changedBy(
      { learningRateScale: { instances: 0 } },
      { space: { kind: 'twoWay' }, stitch: { kind: 'loraStitch', config: { rank: 1 } } },
    )
    expect(changed.length).toBeGreaterThan(0)
    expect(changed.every((name) => /\.lora_[ab]$/.test(name))).toBe(true)
  })

  it.each<[string, Partial<FineTuneOptions>]>([
    ['the default policy', {}],
    ['paths in turn', { policy: inTurn() }],
  ])('stitches: %s', async (_, options) => {
    const changed = await changedBy({ ...options, learningRateScale: { stitches: 0 } })
    expect(changed.length).toBeGreaterThan(0)
    expect(changed.some((name) => name.includes('>'))).toBe(false)
  })

  it('where nothing is left to train, it says so', async () => {
    const [pool, single] = [tinyPool(), tinyPool({ space: { kind: 'singleTiers' } })]
    const before = memory().numTensors
    await expect(fineTune(pool, source, { ...plan, learningRateScale: { instances: 0, stitches: 0 } }, createRng(3))).rejects.toThrow(
      /^fineTune: there must be something to train; the learningRateScale is 0 for instances and 0 for the \d+ stitches$/,
    )
    await expect(fineTune(single, source, { ...plan, learningRateScale: { instances: 0 } }, createRng(3))).rejects.toThrow(
      'the learningRateScale is 0 for instances and 1 for the 0 stitches',
    )
    expect(memory().numTensors).toBe(before)
    disposePool(pool)
    disposePool(single)
  })
})

it('0 epochs train nothing', async () => {
  const pool = tinyPool()
  expect(await fineTune(pool, source, { ...plan, epochs: 0 }, createRng(3))).toHaveLength(0)
  disposePool(pool)
})
