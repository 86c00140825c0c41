import type { Rng } from '@learngene/interfaces'
import { defaultTierName, requireArguments, type Tier } from '@learngene/stitch'
import { createViT, interfaceOf, type Network, type PartRegistry, type PartSpec } from '@learngene/vit-blocks'
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
  /** C; default the ancestor's. To be given where the ancestor has no classifier and labels shall be learned. */
  readonly classes?: number
  /** Hidden width of the perceptrons as a multiple of D; default 4 for random weights, the ancestor's for inherited ones. */
  readonly mlpRatio?: number
  /** The kind of block i, where it is not the standard transformer block. */
  readonly block?: (i: number) => PartSpec
}

/** An auxiliary before its distillation: sees the ancestor's images as the same tokens and pools them alike, by default with the same classes; weights freshly drawn. */
export function createAuxiliary(ancestor: Network, spec: AuxiliarySpec, rng: Rng, parts?: PartRegistry): Tier {
  requireArguments('createAuxiliary', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  const alike = interfaceOf(ancestor)
  const attentionPool = alike.attentionPool && { ...alike.attentionPool, heads: spec.heads }
  const name = spec.name ?? defaultTierName(spec.width, spec.depth)
  const config = { ...alike, ...(attentionPool && { attentionPool }), ...spec }
  return {
    name,
    network: createViT(config, rng.fork(`auxiliary ${name}`), parts),
    transformations: [],
    standsFor: evenlySpread(spec.depth, ancestor.blocks.length),
  }
}
