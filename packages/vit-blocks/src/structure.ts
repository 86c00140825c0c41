import type { Rng } from '@learngene/interfaces'
import type { BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { createEmbedding, type EmbeddingOptions, prefixTokensOf } from './embedding.js'
import type { ImageGeometry } from './geometry.js'
import { createHead, type HeadOptions } from './head.js'
import type { Network } from './network.js'
import { disposeParameters } from './parameters.js'
import { type BlockSpec, createBlock } from './registry.js'

/** The structure of a network without its weights. What is left out of the options is as in a plain ViT: a class token, and classification by it. */
export interface NetworkStructure extends Omit<EmbeddingOptions, 'epsilon'>, Omit<HeadOptions, 'prefixTokens'> {
  readonly geometry: ImageGeometry
  /** C; 0 where there is no classifier. */
  readonly classes: number
  /** Of the layer norms of embedding and head. */
  readonly epsilon: number
  readonly blocks: readonly BlockSpec[]
  /** Width of the embedding, which is block 0's input. */
  readonly embeddingWidth: number
  /** Width of the head, which is the last block's output. */
  readonly headWidth: number
}

export function structureOf({ embedding, blocks, head }: Network): NetworkStructure {
  return {
    geometry: embedding.geometry,
    classes: head.classes,
    epsilon: head.epsilon,
    blocks: blocks.map(({ kind, config }) => ({ kind, config })),
    embeddingWidth: embedding.width,
    headWidth: head.width,
    ...(!embedding.classToken && { classToken: false }),
    ...(embedding.distillationToken && { distillationToken: true }),
    ...(embedding.registerTokens > 0 && { registerTokens: embedding.registerTokens }),
    ...(embedding.embeddingNorm && { embeddingNorm: true }),
    ...(head.distillationHead && { distillationHead: true }),
    ...(head.pooling !== 'token' && { pooling: head.pooling }),
    ...(head.normAfterPooling && { normAfterPooling: true }),
    ...(head.attentionPool && { attentionPool: head.attentionPool }),
  }
}

/**
 * A network of the given structure. Nothing stays allocated when it fails.
 *
 * @param blocks factories of block kinds besides the standard ones
 * @param rng draws the weights, each part from a fork of its own; without it all random weights are zero, to be loaded
 * @throws when a block kind is unknown, a configuration is not possible, or a part takes another width than the part before it gives,
 * or a distillation head has no token
 */
export function buildNetwork(structure: NetworkStructure, blocks?: BlockRegistry, rng: Rng = zeroRng): Network {
  const made: Parameters[] = []
  const keep = <T extends { readonly parameters: Parameters }>(part: T): T => {
    made.push(part.parameters)
    return part
  }
  try {
    const { geometry, embeddingWidth, headWidth, classes, epsilon } = structure
    const network = {
      embedding: keep(createEmbedding(geometry, embeddingWidth, rng.fork('embedding'), structure)),
      blocks: structure.blocks.map((spec, i) => keep(createBlock(spec, rng.fork(`block.${i}`), blocks))),
      head: keep(createHead(headWidth, classes, rng.fork('head'), epsilon, { ...structure, prefixTokens: prefixTokensOf(structure) })),
    }
    checkWidths(network)
    checkTokens(network)
    return network
  } catch (error) {
    for (const parameters of made) disposeParameters(parameters)
    throw error
  }
}

function checkWidths({ embedding, blocks, head }: Network): void {
  let width = embedding.width
  let giver = 'the embedding'
  const check = (taker: string, takes: number) => {
    if (takes !== width) throw new Error(`network: ${taker} must take the width ${width} that ${giver} gives; it takes ${takes}`)
  }
  for (const [i, { kind, inputWidth, outputWidth }] of blocks.entries()) {
    check(`block ${i} ('${kind}')`, inputWidth)
    width = outputWidth
    giver = `block ${i} ('${kind}')`
  }
  check('the head', head.width)
}

function checkTokens({ embedding, head }: Network): void {
  if (head.distillationHead && !embedding.distillationToken) {
    throw new Error('network: a distillation head needs the distillation token that it classifies by; the embedding has none')
  }
}

/** Draws the head's weights as `rng` does, and no others. */
export function onlyHead(rng: Rng): Rng {
  return { ...zeroRng, fork: (label) => (label === 'head' ? rng.fork(label) : zeroRng) }
}

/** Draws nothing: the values are about to be replaced. */
const zeroRng: Rng = {
  uniform: () => 0,
  normal: () => 0,
  integer: () => 0,
  permutation: (length) => Uint32Array.from({ length }, (_, i) => i),
  fork: () => zeroRng,
}
