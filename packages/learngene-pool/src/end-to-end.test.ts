import { collectGrams, descendantOf, formatPath, initialiseStitches, learned, leastSquares, stitchBlocks } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, loadModel } from '@learngene/vit-blocks'
import { dispose, memory, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill } from './distill.js'
import { accuracies } from './evaluate.js'
import { extractDescendant } from './extract.js'
import { fineTune } from './fine-tune.js'
import { buildPool, descendantsOf, disposePool, storedParameters } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { cachedTeacher } from './teacher.js'
import { startBackend, tinyAncestor, tinyImages } from './testing/tiny.js'

const plan = { epochs: 6, batchSize: 12, learningRate: 1e-2 }
const indices = Uint32Array.from({ length: 6 }, (_, i) => i)

describe.each([
  ['cpu', 24],
  ['wasm', 48],
] as const)('the whole method on %s', (backend, count) => {
  beforeAll(() => startBackend(backend))

  it('turns an ancestor into a family that learns, survives storage and extraction, and leaves no tensor behind', async () => {
    const before = memory().numTensors
    const rng = createRng(3)
    const ancestor = tinyAncestor()
    const source = tinyImages(count)
    const teacher = await cachedTeacher(ancestor, ['block.1', 'block.2', 'block.3', 'attn.1', 'attn.2', 'attn.3'], source)

    const specs = [
      { name: 'small', width: 8, depth: 3, heads: 2 },
      { name: 'large', width: 16, depth: 3, heads: 2 },
    ]
    const distilled = []
    for (const spec of specs) distilled.push(await distill(ancestor, spec, source, { ...plan, teacher }, rng.fork(spec.name)))
    for (const { losses } of distilled) expect(losses.at(-1)).toBeLessThan(losses[0]!)

    const pool = buildPool(
      distilled.map(({ tier }) => tier),
      { details: { note: 'test' } },
      rng,
    )
    initialiseStitches(pool, learned, { rng })
    const grams = await collectGrams(pool, source, indices)
    const reports = initialiseStitches(pool, leastSquares(), { grams, heldOut: grams, rng })
    expect(reports).toHaveLength(2)
    for (const { residual } of reports) expect(residual).toBeLessThan(1)

    const live = memory().numTensors
    const losses = await fineTune(pool, source, { ...plan, teacher, pathsPerStep: 2 }, rng.fork('fine-tune'))
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    expect(memory().numTensors).toBe(live)

    const paths = [...pool.space.enumerate()]
    const shared = await accuracies(descendantsOf(pool, paths), source)
    for (const [i, path] of paths.entries()) {
      const [alone] = await accuracies([descendantOf(pool, path)], source, { batchSize: 7 })
      expect(shared[i], formatPath(path.path)).toBe(alone)
    }

    const files = await encodePool(pool)
    const stored = await decodePool(async (file) => files.get(file)!)
    expect(storedParameters(stored)).toBe(storedParameters(pool))
    const images = source.images(indices)
    for (const path of paths) {
      const { network } = await loadModel(await extractDescendant(pool, path), { blocks: stitchBlocks })
      const logits = [descendantOf(pool, path), descendantOf(stored, path), network].map((descendant) =>
        tidy(() => [...forward(descendant, images).logits.dataSync()]),
      )
      expect(logits[1]).toEqual(logits[0])
      expect(logits[2]).toEqual(logits[0])
      disposeNetwork(network)
    }
    dispose(images)
    disposePool(stored)
    disposePool(pool)
    disposeNetwork(ancestor)
    expect(memory().numTensors).toBe(before)
  })
})
