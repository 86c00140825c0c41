import type { Rng } from '@learngene/interfaces'
import type { BlockRegistry } from '@learngene/interfaces/tensors'
import { defaultTierName, requireArguments, type Tier } from '@learngene/stitch'
import { type BlockSpec, createViT, type Network } from '@learngene/vit-blocks'
import { evenlySpread } from './supervision.js'

/** A small model to be distilled from the ancestor. */
export interface AuxiliarySpec {
  /** D_s */
  readonly width: number
  /** L_s */
  readonly depth: number
  /** H; must divide the width. */
  readonly heads: number
  /** The tier's name in paths; default after width and depth, `ti9` or `w48d6`. */
  readonly name?: string
  /** Hidden width of the perceptrons as a multiple of D; default 4 for random weights, the ancestor's for inherited ones. */
  readonly mlpRatio?: number
  /** The kind of block i, where it is not the standard transformer block. */
  readonly block?: (i: number) => BlockSpec
}

/** An auxiliary before its distillation: sees the ancestor's images, as many tokens and the same classes; weights freshly drawn. */
export function createAuxiliary(ancestor: Network, spec: AuxiliarySpec, rng: Rng, blocks?: BlockRegistry): Tier {
  requireArguments('createAuxiliary', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  const { geometry, distillationToken: distilled } = ancestor.embedding
  const { classes, epsilon } = ancestor.head
  const name = spec.name ?? defaultTierName(spec.width, spec.depth)
  return {
    name,
    network: createViT({ ...geometry, ...spec, classes, epsilon, distilled }, rng.fork(`auxiliary ${name}`), blocks),
    transformations: [],
    standsFor: evenlySpread(spec.depth, ancestor.blocks.length),
  }
}
