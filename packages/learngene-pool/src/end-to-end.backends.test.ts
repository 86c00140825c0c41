import { collectGrams, descendantOf, formatPath, initialiseStitches, learned, leastSquares } from '@learngene/stitch'
import { describeEachBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, loadModel } from '@learngene/vit-blocks'
import { dispose, memory, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { cachedTeacher } from './cached-teacher.js'
import { distill } from './distill.js'
import { accuracies } from './evaluate.js'
import { extractDescendant } from './extract.js'
import { fineTune } from './fine-tune.js'
import { buildPool, descendantsOf, disposePool, storedParameters } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

/** A software GPU needs seconds for what the others do at once. */
const sizeOn = (name: string) => (name === 'webgpu' ? { images: 12, depth: 1, epochs: 4 } : { images: 24, depth: 3, epochs: 6 })

const indices = Uint32Array.from({ length: 6 }, (_, i) => i)

describeEachBackend(({ name }) => {
  const size = sizeOn(name)
  const plan = { epochs: size.epochs, batchSize: 12, learningRate: 1e-2 }

  it('turns an ancestor into a family that learns, survives storage and extraction, and leaves no tensor behind', async () => {
    const before = memory().numTensors
    const rng = createRng(3)
    const ancestor = tinyAncestor()
    const source = tinyImages(size.images)
    const teacher = await cachedTeacher(ancestor, ['block.1', 'block.2', 'block.3', 'attn.1', 'attn.2', 'attn.3'], source)

    const specs = [
      { name: 'small', width: 8, depth: size.depth, heads: 2 },
      { name: 'large', width: 16, depth: size.depth, heads: 2 },
    ]
    const distilled = []
    for (const spec of specs)
      distilled.push(await distill(ancestor, spec, source, { ...plan, start: 'random', teacher }, rng.fork(spec.name)))
    for (const { losses } of distilled) expect(losses.at(-1)).toBeLessThan(losses[0]!)

    const pool = buildPool(
      distilled.map(({ tier }) => tier),
      { details: { note: 'test' } },
      rng,
    )
    initialiseStitches(pool, learned, { rng })
    const grams = await collectGrams(pool, source, indices)
    const reports = initialiseStitches(pool, leastSquares(), { grams, heldOut: grams, rng })
    expect(reports).toHaveLength(Math.max(1, size.depth - 1))
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
      const { network } = await loadModel(await extractDescendant(pool, path))
      const [logits, ...again] = [descendantOf(pool, path), descendantOf(stored, path), network].map((descendant) =>
        tidy(() => forward(descendant, images).logits),
      )
      for (const same of again) expect(await valuesOf(same)).toEqual(await valuesOf(logits!))
      dispose([logits!, ...again])
      disposeNetwork(network)
    }
    dispose(images)
    disposePool(stored)
    disposePool(pool)
    disposeNetwork(ancestor)
    expect(memory().numTensors).toBe(before)
  })
})
