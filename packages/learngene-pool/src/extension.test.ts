import { cosineDistance } from '@learngene/distill-losses'
import type { BlockFactory } from '@learngene/interfaces/tensors'
import { gelu, linear } from '@learngene/ops'
import { costOfPath, descendantOf, formatPath, initialiseStitches, learned } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, loadModel, parameter, truncatedNormal } from '@learngene/vit-blocks'
import { add, memory, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { distill } from './distill.js'
import { extractDescendant } from './extract.js'
import { buildPool, disposePool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

/** A block kind that no package knows: a residual MLP on every token. */
const tokenMlp: BlockFactory = (config, rng) => {
  const width = config.width as number
  const weight = truncatedNormal(rng, [width, width], 0.3)
  const bias = parameter(new Float32Array(width), [width])
  return {
    kind: 'tokenMlp',
    config: { width },
    inputWidth: width,
    outputWidth: width,
    parameters: { weight, bias },
    macs: (tokens) => tokens * width * width,
    liveFloats: (tokens) => 3 * tokens * width,
    forward(x, { record }) {
      const change = gelu(linear(x, weight as unknown as Tensor2D, bias as unknown as Tensor1D)) // [B, N, D]
      record?.('attn', change)
      return add(x, change) as Tensor3D
    },
  }
}
const blocks = { tokenMlp }

beforeAll(() => startBackend('wasm'))

it('takes a block kind and a loss of the user through distillation, storage, stitching, costs and extraction', async () => {
  const before = memory().numTensors
  const ancestor = tinyAncestor()
  const source = tinyImages(24)
  let calls = 0
  const tiers = []
  for (const width of [8, 16]) {
    const spec = { name: `w${width}`, width, depth: 3, heads: 1, block: () => ({ kind: 'tokenMlp', config: { width } }) }
    const { tier, losses } = await distill(
      ancestor,
      spec,
      source,
      {
        epochs: 8,
        batchSize: 12,
        learningRate: 1e-2,
        parts: { blocks },
        extraTerms: () => [
          {
            name: 'cosine of logits',
            weight: 0.5,
            studentFeatures: [],
            ancestorFeatures: [],
            loss(student, ancestor) {
              calls++
              return cosineDistance(student.logits, ancestor.logits)
            },
          },
        ],
      },
      createRng(4),
    )
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    tiers.push(tier)
  }
  expect(calls).toBe(32)

  const pool = buildPool(tiers, {}, createRng(5))
  initialiseStitches(pool, learned, { rng: createRng(6) })
  const files = await encodePool(pool)
  await expect(decodePool(async (file) => files.get(file)!)).rejects.toThrow("unknown block kind 'tokenMlp'")
  const stored = await decodePool(async (file) => files.get(file)!, { parts: { blocks } })

  const path = [...pool.space.enumerate()].find(({ path }) => formatPath(path) === 'w8[0-1]>w16[2-2]')!
  expect(costOfPath(pool, path).macs).toBe(4 * 16 * 8 + 2 * 5 * 8 * 8 + 5 * 8 * 16 + 5 * 16 * 16 + 5 * 5 * 16 + 3 * 16)
  const { network } = await loadModel(await extractDescendant(pool, path), { parts: { blocks } })
  const images = source.images([0, 1, 2])
  const logitsOf = (descendant: typeof network) => tidy(() => [...forward(descendant, images).logits.dataSync()])
  expect(logitsOf(descendantOf(stored, path))).toEqual(logitsOf(descendantOf(pool, path)))
  expect(logitsOf(network)).toEqual(logitsOf(descendantOf(pool, path)))

  images.dispose()
  for (const each of [ancestor, network]) disposeNetwork(each)
  disposePool(pool)
  disposePool(stored)
  expect(memory().numTensors).toBe(before)
})
