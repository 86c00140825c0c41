// An embedding of one's own: patches of 2 x 2 twice, with a rectifier between them. It is not linear, so it does not say how it writes its directions, and tiers inherit it whole, with a
// linear map behind it.
// npx learngene run --config examples/extend/embedding.config.ts --out runs/embedding
import { patchify } from '@learngene/ops'
import { type EmbeddingFactory, sidesOf, truncatedNormal } from '@learngene/vit-blocks'
import { add, concat, matMul, mul, ones, relu, reshape, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const twice: EmbeddingFactory = (config, { geometry, width }, rng) => {
  const { channels, imageSize } = geometry
  const [rows, columns] = sidesOf(imageSize).map((side) => side / 4) as [number, number]
  const first = truncatedNormal(rng, [4 * channels, 8], 0.3)
  const second = truncatedNormal(rng, [4 * 8, width], 0.3)
  const classToken = truncatedNormal(rng, [1, 1, width])
  const places = truncatedNormal(rng, [1, 1 + rows * columns, width])
  const patches = (images: Tensor4D) =>
    tidy(() => {
      const halved = reshape(relu(matMul(patchify(images, [2, 2]), first)), [-1, 2 * rows, 2 * columns, 8]) as Tensor4D
      return reshape(matMul(patchify(halved, [2, 2]), second), [-1, rows * columns, width]) as Tensor3D // [B, P, D]
    })
  return {
    ...{ kind: 'twice', config, geometry, width, tokens: 1 + rows * columns, prefixTokens: 1 },
    parameters: { 'patch.first': first, 'patch.second': second, cls_token: classToken, pos_embed: places },
    macs: () => rows * columns * 32 * (4 * channels + width),
    liveFloats: () => rows * columns * (16 * channels + 32 + width),
    patches,
    forward: (images) => tidy(() => add(concat([mul(ones([images.shape[0], 1, 1]), classToken) as Tensor3D, patches(images)], 1), places)), // [B, N, D]
  }
}

export default defineConfig({
  ...small,
  model: { ...small.model, embedding: { kind: 'twice', config: {} } },
  registry: { embeddings: { twice } },
})
