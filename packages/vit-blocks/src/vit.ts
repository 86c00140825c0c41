import type { Rng } from '@learngene/interfaces'
import type { BlockRegistry } from '@learngene/interfaces/tensors'
import type { ImageGeometry } from './embedding.js'
import { disposeNetwork, type Network } from './network.js'
import type { BlockSpec } from './registry.js'
import { buildNetwork, type NetworkStructure } from './structure.js'

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
  /** Whether a distillation token and its head stand beside the class token and its head, as in distilled DeiT; default false. */
  readonly distilled?: boolean
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

/** The structure of {@link createViT}'s network. */
export function vitStructure(config: ViTConfig): NetworkStructure {
  const { imageSize, patchSize, channels, width, depth, heads, classes, mlpRatio = 4, epsilon = 1e-6 } = config
  if (!Number.isInteger(depth) || depth < 1) throw new Error(`ViT: the depth must be a positive integer; got ${depth}`)
  const specOf = config.block ?? (() => ({ kind: 'transformer', config: { width, heads, mlpRatio, epsilon } }))
  return {
    geometry: { imageSize, patchSize, channels },
    classes,
    epsilon,
    blocks: Array.from({ length: depth }, (_, i) => specOf(i)),
    embeddingWidth: width,
    headWidth: width,
    ...(config.distilled && { distillationToken: true, distillationHead: true }),
  }
}

/**
 * A Vision Transformer with freshly initialised weights: truncated normal of deviation 0.02, biases zero, norms one.
 *
 * @param rng draws the weights; a generator of the same seed gives the same weights on every backend
 * @param blocks factories of block kinds that `config.block` names
 * @throws when the configuration is not possible or a block's widths are not the model's
 */
export function createViT(config: ViTConfig, rng: Rng, blocks?: BlockRegistry): Network {
  const network = buildNetwork(vitStructure(config), blocks, rng)
  const { width } = config
  const wrong = network.blocks.findIndex(({ inputWidth, outputWidth }) => inputWidth !== width || outputWidth !== width)
  if (wrong >= 0) {
    disposeNetwork(network)
    const { kind, inputWidth, outputWidth } = network.blocks[wrong]!
    throw new Error(
      `createViT: blocks must map width ${width} to ${width}; block ${wrong} ('${kind}') maps ${inputWidth} to ${outputWidth}`,
    )
  }
  return network
}
