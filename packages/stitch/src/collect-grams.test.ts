import type { ImageSource } from '@learngene/interfaces/tensors'
import { startBackend } from '@learngene/testing'
import { disposeNetwork, forward } from '@learngene/vit-blocks'
import { dispose, memory, type Tensor2D, type Tensor4D, tensor4d, zeros } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { collectGrams } from './collect-grams.js'
import type { StitchedFamily } from './family.js'
import { accumulate, addGrams, createGram, type Gram } from './linear-algebra.js'
import { smallFamily } from './testing/family.js'
import { relativeError, uniformArray } from './testing/matrices.js'

const pixels = uniformArray(5 * 64, 1)
const images = (indices: ArrayLike<number>): Tensor4D =>
  tensor4d(Float32Array.from(Array.from(indices).flatMap((i) => [...pixels.subarray(64 * i, 64 * (i + 1))])), [indices.length, 8, 8, 1])
const source: ImageSource = {
  length: 5,
  classes: ['a', 'b', 'c'],
  batch: async (indices) => ({ images: images(indices), targets: zeros([indices.length, 3]) as Tensor2D }),
}

let family: StitchedFamily

beforeAll(async () => {
  await startBackend('cpu')
  family = smallFamily({ depth: 3, width: 6 })
})
afterAll(() => {
  for (const { network } of family.tiers) disposeNetwork(network)
})

/** What block j of the front leaves, regressed on what block m of the back gets, of some images at once. */
function expected(j: number, m: number, indices: readonly number[]): Gram {
  const gram = createGram(4, 6)
  const x = images(indices)
  const names = [`block.${j}`, m === 0 ? 'embedding' : `block.${m - 1}`] as const
  const [front, back] = family.tiers.map(({ network }, i) => {
    const { logits, features } = forward(network, x, { features: [names[i]!] })
    const values = features[names[i]!]!.dataSync<'float32'>()
    dispose([logits, { ...features }])
    return values
  })
  x.dispose()
  accumulate(gram, front!, back!)
  return gram
}

const expectSame = (gram: Gram, other: Gram) => {
  expect(gram.input.count).toBe(other.input.count)
  expect(gram.cross.count).toBe(other.cross.count)
  expect(relativeError(gram.input.xtx.data, other.input.xtx.data)).toBeLessThan(1e-6)
  expect(relativeError(gram.cross.xty.data, other.cross.xty.data)).toBeLessThan(1e-6)
  expect(gram.cross.squares / other.cross.squares).toBeCloseTo(1, 6)
}

it.each([1, 2, 16])('has the equations of every pair of every stitch, in batches of %i', async (batchSize) => {
  const indices = [4, 0, 3, 1, 2]
  const before = memory().numTensors
  const grams = await collectGrams(family, source, indices, batchSize)
  expect(memory().numTensors).toBe(before)
  const slots = [...family.space.stitchIds()]
  expect([...grams.keys()]).toEqual(slots.map(({ id }) => id))
  expect(slots.flatMap(({ pairs }) => pairs).some(({ m }) => m === 0)).toBe(true)
  for (const { id, pairs } of slots) {
    const found = grams.get(id)!
    const each = pairs.map(({ j, m }) => expected(j, m, indices))
    expect(found.pairs).toHaveLength(pairs.length)
    for (const [i, gram] of found.pairs.entries()) expectSame(gram, each[i]!)
    expectSame(found.joint, addGrams(each))
  }
})

it('sees the named images alone', async () => {
  const { id, pairs } = [...family.space.stitchIds()][0]!
  const { joint } = (await collectGrams(family, source, [2])).get(id)!
  expectSame(joint, addGrams(pairs.map(({ j, m }) => expected(j, m, [2]))))
  expect(joint.cross.count).toBe(5 * pairs.length)
})

it('refuses to look at nothing', async () => {
  await expect(collectGrams(family, source, [])).rejects.toThrow('collectGrams: there must be at least one image; got none')
  await expect(collectGrams(family, source, [0], 0)).rejects.toThrow('collectGrams: batchSize must be a positive integer; got 0')
  await expect(collectGrams(family, source, [0], 1.5)).rejects.toThrow('got 1.5')
})
