import { softTarget } from '@learngene/distill-losses'
import { crossEntropy } from '@learngene/ops'
import { slidingWindow } from '@learngene/stitch'
import { startBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { mean, memory, mul, sum, type Tensor2D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { type FineTuneOptions, fineTune } from './fine-tune.js'
import { type PathPolicy, uniformPaths } from './path-policy.js'
import { buildPool, disposePool, type PoolOptions, poolParameters } from './pool.js'
import { liveTeacher } from './teacher.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const plan = { epochs: 4, batchSize: 4, learningRate: 1e-2 }
const source = tinyImages(12)

beforeAll(() => startBackend('wasm'))

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

describe("a loss of one's own", () => {
  const teacher = () => {
    const ancestor = tinyAncestor()
    return { live: liveTeacher(ancestor), free: () => disposeNetwork(ancestor) }
  }

  async function tuned(options: Partial<FineTuneOptions>) {
    const pool = tinyPool()
    const names = new Set<string>()
    const report: FineTuneOptions['report'] = (event) => {
      if (event.kind === 'progress') for (const name of Object.keys(event.metrics ?? {})) names.add(name)
    }
    try {
      return { losses: await fineTune(pool, source, { ...plan, epochs: 1, ...options, report }, createRng(3)), names: [...names] }
    } finally {
      disposePool(pool)
    }
  }

  it('takes the place of the standard one, is reported by its names, and gives the same where it says the same', async () => {
    const before = memory().numTensors
    const { live, free } = teacher()
    const loss: FineTuneOptions['loss'] = ({ logits }, { targets, ancestor }) => ({
      mine: mul(crossEntropy(logits, targets), 0.3),
      theirs: mul(softTarget(logits, ancestor!.logits), 0.7),
    })
    const standard = await tuned({ teacher: live, labelWeight: 0.3 })
    const own = await tuned({ teacher: live, labelWeight: 0.9, loss })
    for (const [step, value] of standard.losses.entries()) expect(own.losses[step]).toBeCloseTo(value, 5)
    expect(own.names).toEqual(expect.arrayContaining(['mine', 'theirs']))
    expect(own.names).not.toContain('logit')
    live.dispose()
    free()
    expect(memory().numTensors).toBe(before)
  })

  it('sees no ancestor where there is none', async () => {
    const seen: unknown[] = []
    await tuned({
      loss: ({ logits }, { targets, ancestor }) => {
        seen.push(ancestor)
        return { labels: crossEntropy(logits, targets) }
      },
    })
    expect(seen.every((ancestor) => ancestor === null)).toBe(true)
  })

  it.each<[string, unknown, string]>([
    ['no function', 'cosine', "fineTune: loss must be a function; got 'cosine'"],
    [
      'a mean',
      ({ logits }: { logits: Tensor2D }) => ({ mean: mean(logits) }),
      "fineTune: the term 'mean' of the loss must be one value for each of the 4 examples; got a tensor of shape []",
    ],
    ['no names', ({ logits }: { logits: Tensor2D }) => sum(logits, 1), 'fineTune: a loss must return its terms by name'],
    ['no terms', () => ({}), 'fineTune: a loss must return its terms by name'],
    ['nothing', () => undefined, 'fineTune: what the loss returns must be an object; got undefined'],
  ])('is refused in one line: %s', async (_, loss, message) => {
    const before = memory().numTensors
    await expect(tuned({ loss: loss as FineTuneOptions['loss'] })).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})
