import {
  collectGrams,
  costOfPath,
  descendantOf,
  formatPath,
  identity,
  initialiseStitches,
  learned,
  leastSquares,
  parsePath,
  type SpaceSpec,
} from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { memory, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { distill } from './distill.js'
import { accuracies } from './evaluate.js'
import { fineTune } from './fine-tune.js'
import { buildPool, descendantsOf, disposePool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const plan = { epochs: 2, batchSize: 12, learningRate: 1e-2 }
const source = tinyImages(24)
let ancestor: Network

beforeAll(async () => {
  await startBackend('wasm')
  ancestor = tinyAncestor()
})

afterAll(() => disposeNetwork(ancestor))

const specs = [
  { name: 'a', width: 8, depth: 2, heads: 2 },
  { name: 'b', width: 12, depth: 3, heads: 2 },
  { name: 'c', width: 16, depth: 4, heads: 2 },
]

describe.each<[string, SpaceSpec, string]>([
  ['multi-stitch paths', { kind: 'multiStitch' }, 'a[0-0]>b[1-1]>c[2-3]'],
  ['multi-stitch paths over all pairs of tiers', { kind: 'multiStitch', pairs: 'all', maxStitches: 2 }, 'a[0-0]>c[2-3]'],
  ['aligned paths', { kind: 'aligned' }, 'b[0-1]>c[3-3]'],
  ['early exits', { kind: 'earlyExits' }, 'b[0-1]'],
  ['single tiers', { kind: 'singleTiers' }, 'c[0-3]'],
])('a pool of three tiers of unequal depth with %s', (_, space, example) => {
  it('is distilled, stitched, fine-tuned, evaluated and stored', async () => {
    const before = memory().numTensors
    const tiers = []
    for (const spec of specs) tiers.push((await distill(ancestor, spec, source, { ...plan, epochs: 0.5 }, createRng(1))).tier)
    const pool = buildPool(tiers, { space }, createRng(2))
    initialiseStitches(pool, learned, { rng: createRng(3) })
    const paths = [...pool.space.enumerate()]
    expect(paths.map(({ path }) => formatPath(path))).toContain(example)

    const path = pool.space.find(parsePath(example))!
    const { embedding, blocks, head } = descendantOf(pool, path)
    const parts = [embedding.macs(), ...blocks.map((block) => block.macs(5)), head.macs(5)]
    expect(costOfPath(pool, path).macs).toBe(parts.reduce((sum, macs) => sum + macs))
    expect(blocks).toHaveLength(path.path.segments.reduce((sum, { first, last }) => sum + last - first + 1, path.stitches.length))

    const losses = await fineTune(pool, source, { ...plan, pathsPerStep: 3 }, createRng(4))
    expect(losses.every(Number.isFinite)).toBe(true)
    const scores = await accuracies(descendantsOf(pool, paths), source)
    expect(scores[paths.indexOf(paths.find(({ path }) => formatPath(path) === example)!)]).toBe(
      (await accuracies([descendantOf(pool, path)], source))[0],
    )

    const files = await encodePool(pool)
    const stored = await decodePool(async (file) => files.get(file)!)
    expect(stored.space.count()).toBe(paths.length)
    const images = source.images([0, 1])
    for (const path of paths) {
      const [before, after] = [pool, stored].map((pool) => tidy(() => [...forward(descendantOf(pool, path), images).logits.dataSync()]))
      expect(after).toEqual(before)
    }
    images.dispose()
    for (const made of [pool, stored]) disposePool(made)
    expect(memory().numTensors).toBe(before)
  })
})

describe('a pool of tiers of equal width', () => {
  const equal = [
    { name: 'short', width: 16, depth: 2, heads: 2 },
    { name: 'long', width: 16, depth: 4, heads: 4 },
  ]

  it('passes features on as they are with identity stitches', () => {
    const pool = buildPool(
      equal.map((spec) => createAuxiliary(ancestor, spec, createRng(1))),
      {},
      createRng(2),
    )
    initialiseStitches(pool, identity, { rng: createRng(3) })
    const [short, long] = pool.tiers.map(({ network }) => network)
    const images = source.images([0, 1])
    for (const path of pool.space.enumerate()) {
      const [front, back] = path.path.segments
      if (!back) continue
      const network = {
        ...short!,
        blocks: [...short!.blocks.slice(0, front!.last + 1), ...long!.blocks.slice(back.first)],
        head: long!.head,
      }
      const [stitched, direct] = [descendantOf(pool, path), network].map((network) => [...forward(network, images).logits.dataSync()])
      expect(stitched, formatPath(path.path)).toEqual(direct)
    }
    images.dispose()
    disposePool(pool)
  })

  it("starts as the identity from the learned map too, because both were taught the ancestor's space", async () => {
    const tiers = []
    const options = { ...plan, epochs: 0.5, start: 'random' as const }
    for (const spec of equal) tiers.push((await distill(ancestor, spec, source, options, createRng(1))).tier)
    const pool = buildPool(tiers, {}, createRng(2))
    initialiseStitches(pool, learned, { rng: createRng(3) })
    for (const { parameters } of pool.stitches.values()) {
      const weight = parameters.weight!.dataSync()
      expect(weight.every((value, i) => value === (i % 17 === 0 ? 1 : 0))).toBe(true)
    }
    const grams = await collectGrams(pool, source, [0, 1, 2, 3, 4, 5, 6, 7])
    const identityError = initialiseStitches(pool, identity, { grams, heldOut: grams, rng: createRng(3) })
    const fitted = initialiseStitches(pool, leastSquares(), { grams, heldOut: grams, rng: createRng(3) })
    for (const [i, { residual }] of fitted.entries()) expect(residual).toBeLessThan(identityError[i]!.residual!)
    disposePool(pool)
  })

  it('refuses identity stitches where widths differ', () => {
    const pool = buildPool(
      specs.map((spec) => createAuxiliary(ancestor, spec, createRng(1))),
      {},
      createRng(2),
    )
    expect(() => initialiseStitches(pool, identity, { rng: createRng(3) })).toThrow('needs tiers of equal width')
    disposePool(pool)
  })
})
