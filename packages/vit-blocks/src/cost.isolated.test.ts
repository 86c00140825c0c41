import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Block, BlockRegistry } from '@learngene/interfaces/tensors'
import { memory, type Tensor3D } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { costOf, costOfStructure } from './cost.js'
import type { Network } from './network.js'
import { truncatedNormal, withoutWeights } from './parameters.js'
import type { NetworkStructure } from './structure.js'
import { createRng } from './testing/rng.js'
import { createViT, deit, vitStructure } from './vit.js'

const published = {
  tiny: { parameters: 5_717_416, macs: 1_258_411_200 },
  small: { parameters: 22_050_664, macs: 4_608_338_304 },
  base: { parameters: 86_567_656, macs: 17_582_740_224 },
} as const

it.each(['tiny', 'small', 'base'] as const)('counts DeiT-%s as published, without a backend', (size) => {
  expect(costOfStructure(vitStructure(deit[size]))).toMatchObject(published[size])
  expect(memory, 'no backend is registered in this file').toThrow('No backend found')
})

it('counts distilled DeiT-Ti as timm does: two tokens more than patches, two heads', () => {
  const cost = costOfStructure(vitStructure({ ...deit.tiny, distilled: true }))
  const block = 12 * 198 * 192 ** 2 + 2 * 198 ** 2 * 192 + 10 * 198 * 192
  expect(cost).toMatchObject({ parameters: 5_910_800, macs: 196 * 768 * 192 + 12 * block + 5 * 198 * 192 + 2 * 1000 * 192 })
})

it('adds the widest moment of the forward pass to the memory of the parameters', () => {
  // The MLP: block input and middle, and the hidden layer of 4 D before and after GELU, of 197 tokens. In DeiT-Ti that and attention are close:
  // input, q k v and mixed values, and 3 heads x 197 x 197 probabilities.
  expect(costOfStructure(vitStructure(deit.base)).memory).toBe(4 * (86_567_656 + 197 * (2 * 768 + 2 * 3072)))
  expect(5 * 192 * 197 + 3 * 197 ** 2).toBeLessThan(197 * (2 * 192 + 2 * 768))
  expect(costOfStructure(vitStructure(deit.tiny)).memory).toBe(4 * (5_717_416 + 197 * (2 * 192 + 2 * 768)))
  // With few wide patches the embedding is widest: the image of 192 KiB values, its patches, and 16 tokens.
  const coarse = vitStructure({ imageSize: 256, patchSize: 64, channels: 3, width: 32, depth: 1, heads: 1, classes: 2 })
  const { memory: bytes, parameters } = costOfStructure(coarse)
  expect(bytes).toBe(4 * (parameters + 196_608 + 196_608 + 16 * 32))
})

/** What a stitch is to this package: somebody's block of two widths. */
const blocks: BlockRegistry = {
  stitch(config: JsonObject, rng: Rng): Block {
    const { from, to } = config as { from: number; to: number }
    return {
      kind: 'stitch',
      config,
      inputWidth: from,
      outputWidth: to,
      parameters: { weight: truncatedNormal(rng, [to, from]), bias: truncatedNormal(rng, [to]) },
      macs: (tokens) => tokens * from * to,
      liveFloats: (tokens) => tokens * (from + to),
      forward: (x: Tensor3D) => x,
    }
  },
}

const vectors: [front: NetworkStructure, j: number, back: NetworkStructure, m: number, macs: number, parameters: number][] = [
  [vitStructure(deit.tiny), 0, vitStructure(deit.small), 0, 4_696_010_496, 22_345_960],
  [vitStructure(deit.small), 11, vitStructure(deit.base), 11, 6_121_909_248, 29_742_952],
]

it.each(vectors)('counts a stitched model in the convention of SN-Net (%#)', (front, j, back, m, macs, parameters) => {
  const stitch = { kind: 'stitch', config: { from: front.embeddingWidth, to: back.embeddingWidth } }
  const stitched = {
    ...back,
    embeddingWidth: front.embeddingWidth,
    blocks: [...front.blocks.slice(0, j + 1), stitch, ...back.blocks.slice(m)],
  }
  const snnet = costOfStructure(stitched, { parts: { blocks }, convention: 'snnet' })
  expect(snnet).toMatchObject({ macs, parameters })
  const full = costOfStructure(stitched, { parts: { blocks } })
  expect(full.macs - snnet.macs).toBe(5 * 197 * back.headWidth)
  expect(full.parameters - snnet.parameters).toBe(198 * front.embeddingWidth)
  expect(full.memory).toBe(snnet.memory)
})

it('composes networks whose parts have no weights', () => {
  const build = (size: 'tiny' | 'small') => withoutWeights(() => createViT(deit[size], createRng(0)))
  const small = build('small')
  const back: Network = { ...small, blocks: small.blocks.slice(3) }
  expect(costOf(small).parameters - costOf(back).parameters).toBe(3 * (12 * 384 ** 2 + 13 * 384))
})
