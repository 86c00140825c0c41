import type { Rng } from '@learngene/interfaces'
import type { BlockRegistry } from '@learngene/interfaces/tensors'
import { createEmbedding, type ImageGeometry } from './embedding.js'
import { createHead } from './head.js'
import type { Network } from './network.js'
import { type BlockSpec, createBlock } from './registry.js'

/** A Vision Transformer of any size. */
export interface ViTConfig extends ImageGeometry {
  /** D */
  readonly width: number
  /** L */
  readonly depth: number
  /** H; DeiT has one head per 64 of width */
  readonly heads: number
  /** C */
  readonly classes: number
  /** Hidden width of the MLPs as a multiple of D; default 4. */
  readonly mlpRatio?: number
  /** Of all layer norms; default 1e-6. */
  readonly epsilon?: number
  /** The kind of block i, where it is not the standard transformer block. Its input and output width must be D. */
  readonly block?: (i: number) => BlockSpec
}

/** DeiT-Ti, DeiT-S and DeiT-B (Touvron et al. 2021, arXiv 2012.12877): 224 px, patch 16, depth 12, 1000 classes. */
export const deit: { readonly [size in 'tiny' | 'small' | 'base']: ViTConfig } = {
  tiny: deitConfig(192),
  small: deitConfig(384),
  base: deitConfig(768),
}

function deitConfig(width: number): ViTConfig {
  return { imageSize: 224, patchSize: 16, channels: 3, width, depth: 12, heads: width / 64, classes: 1000 }
}

/**
 * A Vision Transformer with freshly initialised weights: truncated normal of deviation 0.02, biases zero, norms one.
 *
 * @param rng draws the weights; the same generator state gives the same weights on every backend
 * @param blocks factories of block kinds that `config.block` names
 * @throws when a block's widths are not the model's
 */
export function createViT(config: ViTConfig, rng: Rng, blocks?: BlockRegistry): Network {
  const { imageSize, patchSize, channels, width, depth, heads, classes, mlpRatio = 4, epsilon = 1e-6 } = config
  const specOf = config.block ?? (() => ({ kind: 'transformer', config: { width, heads, mlpRatio, epsilon } }))
  return {
    embedding: createEmbedding({ imageSize, patchSize, channels }, width, rng.fork('embedding')),
    blocks: Array.from({ length: depth }, (_, i) => {
      const block = createBlock(specOf(i), rng.fork(`block.${i}`), blocks)
      if (block.inputWidth !== width || block.outputWidth !== width) {
        throw new Error(
          `createViT: blocks must map width ${width} to ${width}; block ${i} ('${block.kind}') maps ${block.inputWidth} to ${block.outputWidth}`,
        )
      }
      return block
    }),
    head: createHead(width, classes, rng.fork('head'), epsilon),
  }
}
