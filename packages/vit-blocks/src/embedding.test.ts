import '@tensorflow/tfjs-backend-cpu'
import { conv2d, memory, reshape, type Tensor4D, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { createEmbedding } from './embedding.js'
import type { ImageGeometry } from './geometry.js'
import { countParameters, disposeParameters, withoutWeights } from './parameters.js'
import { relativeError } from './reference/check-reference.js'
import { peakOf } from './testing/live-floats.js'
import { createRng } from './testing/rng.js'

it.each([1, 3])('embeds patches as a convolution does, %d channels', (channels) => {
  const before = memory().numTensors
  const rng = createRng(1)
  const embedding = createEmbedding({ imageSize: 12, patchSize: 4, channels }, 5, rng)
  tidy(() => {
    const images = tensor4d(Float32Array.from({ length: 2 * 144 * channels }, rng.normal), [2, 12, 12, channels])
    const filter = transpose(embedding.parameters['patch_embed.proj.weight'] as unknown as Tensor4D, [2, 3, 1, 0])
    const expected = reshape(conv2d(images, filter, 4, 'valid'), [2, 9, 5]) // [B, N-1, D]
    const patches = embedding.patches(images)
    expect(patches.shape).toEqual([2, 9, 5])
    expect(relativeError(patches.dataSync(), expected.dataSync())).toBeLessThan(1e-5)
  })
  disposeParameters(embedding.parameters)
  expect(memory().numTensors).toBe(before)
})

it('puts the class token first and adds positions to all', () => {
  const embedding = createEmbedding({ imageSize: 4, patchSize: 2, channels: 1 }, 3, createRng(2))
  tidy(() => {
    const images = tensor4d(Float32Array.from({ length: 32 }, createRng(3).normal), [2, 4, 4, 1])
    const { cls_token, pos_embed } = embedding.parameters
    const positions = pos_embed!.dataSync()
    const patches = embedding.patches(images).dataSync()
    const expected = [0, 1].flatMap((image) =>
      [...cls_token!.dataSync(), ...patches.subarray(image * 12, (image + 1) * 12)].map((value, i) => value + positions[i]!),
    )
    const tokens = embedding.forward(images)
    expect(tokens.shape).toEqual([2, 5, 3])
    expect(relativeError(tokens.dataSync(), expected)).toBeLessThan(1e-6)
  })
  disposeParameters(embedding.parameters)
})

it('puts a distillation token after the class token', () => {
  const before = memory().numTensors
  const embedding = createEmbedding({ imageSize: 4, patchSize: 2, channels: 1 }, 3, createRng(2), { distillationToken: true })
  expect(Object.keys(embedding.parameters).slice(0, 3)).toEqual(['cls_token', 'pos_embed', 'dist_token'])
  tidy(() => {
    const images = tensor4d(Float32Array.from({ length: 32 }, createRng(3).normal), [2, 4, 4, 1])
    const { cls_token, dist_token, pos_embed } = embedding.parameters
    const positions = pos_embed!.dataSync()
    const patches = embedding.patches(images).dataSync()
    const expected = [0, 1].flatMap((image) =>
      [...cls_token!.dataSync(), ...dist_token!.dataSync(), ...patches.subarray(image * 12, (image + 1) * 12)].map(
        (value, i) => value + positions[i]!,
      ),
    )
    const tokens = embedding.forward(images)
    expect(tokens.shape).toEqual([2, 6, 3])
    expect(relativeError(tokens.dataSync(), expected)).toBeLessThan(1e-6)
  })
  expect([embedding.tokens, embedding.macs(), embedding.liveFloats()]).toEqual([6, 4 * 4 * 3, 16 + Math.max(16 + 12, 36)])
  disposeParameters(embedding.parameters)
  expect(memory().numTensors).toBe(before)
})

it('puts registers before the patches, does without a class token, and normalises all where it is asked to', () => {
  const before = memory().numTensors
  const geometry = { imageSize: [4, 7], patchSize: [2, 3], channels: 1 } as const
  const embedding = createEmbedding(geometry, 3, createRng(2), { classToken: false, registerTokens: 2, embeddingNorm: true, epsilon: 1e-5 })
  expect(Object.keys(embedding.parameters)).toEqual([
    'pos_embed',
    'reg_token',
    'patch_embed.proj.weight',
    'patch_embed.proj.bias',
    'norm_pre.weight',
    'norm_pre.bias',
  ])
  expect([embedding.geometry, embedding.tokens, embedding.prefixTokens]).toEqual([geometry, 2 + 2 * 2, 2])
  expect(embedding.macs()).toBe(4 * 6 * 3 + 5 * 6 * 3)
  tidy(() => {
    const images = tensor4d(Float32Array.from({ length: 2 * 28 }, createRng(3).normal), [2, 4, 7, 1])
    const { reg_token, pos_embed } = embedding.parameters
    const positions = pos_embed!.dataSync()
    const patches = embedding.patches(images).dataSync()
    const expected = [0, 1].flatMap((image) => {
      const values = [...reg_token!.dataSync(), ...patches.subarray(image * 12, (image + 1) * 12)].map((value, i) => value + positions[i]!)
      return Array.from({ length: 6 }, (_, token) => values.slice(3 * token, 3 * token + 3)).flatMap((token) => {
        const centre = (token[0]! + token[1]! + token[2]!) / 3
        const variance = token.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 3
        return token.map((value) => (value - centre) / Math.sqrt(variance + 1e-5))
      })
    })
    expect(relativeError(embedding.forward(images).dataSync(), expected)).toBeLessThan(1e-5)
  })
  disposeParameters(embedding.parameters)
  expect(memory().numTensors).toBe(before)
})

it('costs a product of patches and weights, and holds the image throughout', () => {
  for (const [geometry, width] of [
    [{ imageSize: 224, patchSize: 16, channels: 3 }, 192],
    [{ imageSize: 28, patchSize: 7, channels: 1 }, 96],
  ] as const) {
    const { imageSize, patchSize, channels } = geometry
    const embedding = withoutWeights(() => createEmbedding(geometry, width, createRng(0)))
    const count = (imageSize / patchSize) ** 2
    const image = imageSize ** 2 * channels
    expect(embedding.tokens).toBe(count + 1)
    expect(embedding.macs()).toBe(image * width)
    expect(countParameters(embedding.parameters)).toBe(width * (patchSize ** 2 * channels + 1) + (count + 2) * width)
    const steps = [
      ['patches', image, ['image']],
      ['embedded', count * width, ['patches']],
      ['joined', (count + 1) * width, ['embedded']],
      ['tokens', (count + 1) * width, ['joined']],
    ] as const
    expect(embedding.liveFloats()).toBe(peakOf({ image }, steps, ['image', 'tokens']))
  }
})

it('refuses images of another size and leaves nothing behind', () => {
  const embedding = createEmbedding({ imageSize: 4, patchSize: 2, channels: 1 }, 3, createRng(2))
  const images = tensor4d(new Float32Array(75), [1, 5, 5, 3])
  const before = memory().numTensors
  expect(() => embedding.forward(images)).toThrow(
    'embedding: images must be [B, 4, 4, 1] (batch, height, width, channels); got [1, 5, 5, 3]',
  )
  expect(memory().numTensors).toBe(before)
  images.dispose()
  disposeParameters(embedding.parameters)
})

it.each([
  [
    { imageSize: 15, patchSize: 16, channels: 3 },
    'geometry: a patch must fit into the image; got images of 15 x 15 and patches of 16 x 16',
  ],
  [{ imageSize: [32, 16, 8], patchSize: 16, channels: 3 }, "config: 'imageSize' must be one number, or height and width; got [32,16,8]"],
  [{ imageSize: 0, patchSize: 16, channels: 3 }, "config: 'imageSize' must be a positive number; got 0"],
  [{ imageSize: [32, 0], patchSize: 16, channels: 3 }, "config: 'imageSize' must be a positive number; got 0"],
  [{ imageSize: 32, patchSize: 16, channels: 1.5 }, "config: 'channels' must be a positive integer; got 1.5"],
])('refuses %j', (geometry, message) => {
  expect(() => createEmbedding(geometry as ImageGeometry, 8, createRng(0))).toThrow(message)
})
