import type { Rng } from '@learngene/interfaces'
import type { Activation } from '@learngene/ops'
import type { EmbeddingOptions } from './embedding.js'
import type { ImageGeometry } from './geometry.js'
import type { HeadOptions } from './head.js'
import { disposeNetwork, type Network } from './network.js'
import { buildNetwork, type NetworkStructure, type PartRegistry, type PartSpec, structureOf } from './structure.js'

/** A Vision Transformer of any size; embedding and head as their options say, by default those of ViT and DeiT. */
export interface ViTConfig
  extends ImageGeometry,
    Pick<EmbeddingOptions, 'classToken' | 'registerTokens' | 'embeddingNorm'>,
    Pick<HeadOptions, 'pooling' | 'normAfterPooling' | 'attentionPool'> {
  /** D */
  readonly width: number
  /** L */
  readonly depth: number
  /** H; DeiT has one head per 64 of width */
  readonly heads: number
  /** C; 0 for features alone. */
  readonly classes: number
  /** Hidden width of the MLPs as a multiple of D; default 4. */
  readonly mlpRatio?: number
  /** Of all layer norms; default 1e-6. */
  readonly epsilon?: number
  /** Of the blocks' MLPs; default the exact `gelu`. */
  readonly activation?: Activation
  /** Whether a distillation token and its head stand beside the class token and its head, as in distilled DeiT; default false. */
  readonly distilled?: boolean
  /** The kind of block i, where it is not the standard transformer block. Its input and output width must be D. */
  readonly block?: (i: number) => PartSpec
  /** An embedding and a head of kinds of one's own; options of the standard ones do not apply to them. */
  readonly embedding?: PartSpec
  readonly head?: PartSpec
}

/** One of square images in square patches. */
export type SquareViTConfig = ViTConfig & { readonly imageSize: number; readonly patchSize: number }

/** DeiT-Ti, DeiT-S and DeiT-B (Touvron et al. 2021, arXiv 2012.12877): 224 px, patch 16, depth 12, 1000 classes. */
export const deit: { readonly [size in 'tiny' | 'small' | 'base']: SquareViTConfig } = {
  tiny: deitConfig(192),
  small: deitConfig(384),
  base: deitConfig(768),
}

function deitConfig(width: number): SquareViTConfig {
  return { imageSize: 224, patchSize: 16, channels: 3, width, depth: 12, heads: width / 64, classes: 1000 }
}

/** The structure of {@link createViT}'s network. */
export function vitStructure(config: ViTConfig): NetworkStructure {
  const { imageSize, patchSize, channels, width, depth, heads, classes, mlpRatio = 4, epsilon = 1e-6, activation = 'gelu' } = config
  if (!Number.isInteger(depth) || depth < 1) throw new Error(`ViT: the depth must be a positive integer; got ${depth}`)
  const specOf =
    config.block ??
    (() => ({ kind: 'transformer', config: { width, heads, mlpRatio, epsilon, ...(activation !== 'gelu' && { activation }) } }))
  return {
    geometry: { imageSize, patchSize, channels },
    classes,
    epsilon,
    blocks: Array.from({ length: depth }, (_, i) => specOf(i)),
    embeddingWidth: width,
    headWidth: width,
    ...optionsIn(config),
    ...(config.distilled && { distillationToken: true, distillationHead: true }),
  }
}

const optionKeys = [
  'classToken',
  'registerTokens',
  'embeddingNorm',
  'pooling',
  'normAfterPooling',
  'attentionPool',
  'embedding',
  'head',
] as const

/** What of a configuration is said as the structure says it. */
function optionsIn(config: ViTConfig): Pick<NetworkStructure, (typeof optionKeys)[number]> {
  return Object.fromEntries(optionKeys.filter((key) => config[key] !== undefined).map((key) => [key, config[key]]))
}

/** How a network takes images and what it gives, in terms of {@link ViTConfig}: everything but width, depth and blocks. */
export type ViTInterface = Omit<ViTConfig, 'width' | 'depth' | 'heads' | 'mlpRatio' | 'activation' | 'block'>

/** The interface of a network, for others that shall see the same images as the same tokens and classify alike. */
export function interfaceOf(network: Network): ViTInterface {
  const {
    geometry,
    blocks: _,
    embeddingWidth: __,
    headWidth: ___,
    projectedFrom: ____,
    distillationToken,
    distillationHead: _____,
    ...options
  } = structureOf(network)
  return { ...geometry, ...options, ...(distillationToken && { distilled: true }) }
}

/**
 * A Vision Transformer with freshly initialised weights: truncated normal of deviation 0.02, biases zero, norms one.
 *
 * @param rng draws the weights; a generator of the same seed gives the same weights on every backend
 * @param parts factories of the kinds that `config` names
 * @throws when the configuration is not possible or a block's widths are not the model's
 */
export function createViT(config: ViTConfig, rng: Rng, parts?: PartRegistry): Network {
  const network = buildNetwork(vitStructure(config), parts, rng)
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
