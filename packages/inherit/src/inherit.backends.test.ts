import { describeEachBackend } from '@learngene/testing'
import { disposeNetwork, forward, type Network, type SquareViTConfig } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { cut } from './cut.js'
import { refine } from './refine.js'
import { rotate } from './rotate.js'
import { livelyViT, patternImages, relativeError, smallConfig } from './testing/lively.js'

const logitsOf = async (network: Network, config = smallConfig) => {
  const images = patternImages(12, config, 9).images([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  const { logits } = forward(network, images)
  const values = await logits.data<'float32'>()
  images.dispose()
  logits.dispose()
  return values
}

const ancestors: readonly [string, Partial<SquareViTConfig>][] = [
  ['two heads', {}],
  ['three heads and a perceptron of ratio 2', { width: 24, heads: 3, mlpRatio: 2, depth: 2 }],
  ['a distillation token and head', { distilled: true }],
  ['one head of colour images', { heads: 1, channels: 3 }],
  ['registers, the mean of the patches normalised after it, and the tanh form of GELU', { registerTokens: 2, pooling: 'average', normAfterPooling: true, activation: 'geluTanh' }], // biome-ignore format: one row
]

describeEachBackend(() => {
  describe.each(ancestors)('an ancestor of %s', (_, change) => {
    const config = { ...smallConfig, ...change }

    test('is the same function in principal order, and a slice of full width and depth is too', async () => {
      const before = memory().numTensors
      const ancestor = livelyViT(change)
      const expected = await logitsOf(ancestor, config)
      const rotated = await rotate(ancestor, patternImages(40, config), { blockOrder: false })
      expect(relativeError(await logitsOf(rotated.network, config), expected)).toBeLessThan(1e-5)
      const { network, standsFor, keptEnergy } = cut(rotated, {})
      expect(relativeError(await logitsOf(network, config), expected)).toBeLessThan(1e-5)
      expect([standsFor, keptEnergy]).toEqual([ancestor.blocks.map((_, i) => i), 1])
      for (const each of [ancestor, rotated.network, network]) disposeNetwork(each)
      expect(memory().numTensors).toBe(before)
    })
  })

  test('a fitted slice is nearer to the ancestor than the slice alone, on images that neither has seen', async () => {
    const before = memory().numTensors
    const ancestor = livelyViT({}, 3)
    const expected = await logitsOf(ancestor)
    const source = patternImages(128)
    const rotated = await rotate(ancestor, source, { blockOrder: false, batchSize: 64 })
    const slice = cut(rotated, { width: 10 })
    const sliced = relativeError(await logitsOf(slice.network), expected)
    await refine(rotated, slice, source, { batchSize: 64 })
    expect(relativeError(await logitsOf(slice.network), expected)).toBeLessThan(0.8 * sliced)
    for (const each of [ancestor, rotated.network, slice.network]) disposeNetwork(each)
    expect(memory().numTensors).toBe(before)
  })
})
