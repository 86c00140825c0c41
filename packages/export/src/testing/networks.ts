import { buildPool, type Pool } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { createViT, type Network, parametersOf, sidesOf, type ViTConfig } from '@learngene/vit-blocks'
import { add, mul, randomUniform, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'

export const tiny: ViTConfig = { imageSize: 12, patchSize: 4, channels: 3, width: 12, depth: 2, heads: 2, classes: 5 }

/** Every part that a plain ViT may have. */
export const variants: { readonly [name: string]: Partial<ViTConfig> } = {
  plain: {},
  'tanh GELU': { activation: 'geluTanh' },
  QuickGELU: { activation: 'quickGelu', epsilon: 1e-5 },
  'a distillation token and its head': { distilled: true },
  registers: { registerTokens: 3 },
  'no class token, averages, norm after pooling': { classToken: false, pooling: 'average', normAfterPooling: true },
  'averages, norm before pooling': { pooling: 'average' },
  'token and average': { pooling: 'tokenAverage' },
  'attention pooling': { classToken: false, pooling: 'attention', attentionPool: { heads: 3, mlpRatio: 2, activation: 'geluTanh' } },
  'norm in the embedding': { embeddingNorm: true, epsilon: 1e-5 },
  'heads of a width of their own': {
    block: () => ({ kind: 'transformer', config: { width: 12, heads: 3, headWidth: 5, mlpRatio: 1.5, epsilon: 1e-6 } }),
  },
  'grey rectangles in rectangular patches, pixels left over': { imageSize: [13, 18], patchSize: [4, 6], channels: 1 },
  'features only': { classes: 0 },
}

/** A network whose weights are large enough for everything in it to matter, biases and norms too. */
export function livelyViT(changes: Partial<ViTConfig> = {}, seed = 1): Network {
  const network = createViT({ ...tiny, ...changes }, createRng(seed))
  enliven(network, seed)
  return network
}

export function enliven(network: Network, seed: number): void {
  for (const [i, parameter] of Object.values(parametersOf(network)).entries()) {
    tidy(() => {
      const noise = randomUniform(parameter.shape, -0.2, 0.2, 'float32', seed * 1000 + i)
      parameter.assign(add(parameter.rank > 1 ? mul(parameter, 8) : parameter, noise))
    })
  }
}

/** Normalised random images, the same for the same network. */
export function imagesFor({ embedding: { geometry } }: Network, count: number): Tensor4D {
  const [height, width] = sidesOf(geometry.imageSize)
  const shape = [count, height, width, geometry.channels] as [number, number, number, number]
  const rng = createRng(7)
  return tensor4d(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, rng.normal), shape)
}

/** A pool of two tiers whose stitches, random maps, do something. */
export function tinyPool(changes: Partial<ViTConfig> = {}): Pool {
  const rng = createRng(3)
  const tiers = [8, 12].map((width) => ({
    name: `w${width}`,
    network: livelyViT({ depth: 3, width, ...changes }, width),
    transformations: [],
  }))
  return buildPool(tiers, {}, rng)
}
