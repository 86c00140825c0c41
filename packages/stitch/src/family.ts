import type { Cost } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import { type CostOptions, costOf, type Network, requireArguments } from '@learngene/vit-blocks'
import { formatPath, type PathSpace, type StitchedPath, type TierShape } from './paths/index.js'
import type { Transformation } from './transformation.js'

/** All instances of one auxiliary, with its embedding and head. */
export interface Tier {
  readonly name: string
  readonly network: Network
  /** The transformation matrices its distillation trained; none for an independently trained anchor (SN-Net). */
  readonly transformations: readonly Transformation[]
  /** By block, ascending, the ancestor's block that it stands for; none for an independently trained anchor. */
  readonly standsFor?: readonly number[]
}

/** Tiers, the paths through them and one stitch for every slot of those paths: what descendants are taken from. A pool is one, SN-Net another. */
export interface StitchedFamily {
  /** Ascending by width. */
  readonly tiers: readonly Tier[]
  readonly space: PathSpace
  /** Stitches by slot id. */
  readonly stitches: ReadonlyMap<string, Block>
}

export function shapeOfTier(tier: Tier): TierShape {
  requireArguments('shapeOfTier', { tier: ['tier', tier] })
  const { name, network, standsFor } = tier
  return { name, width: network.embedding.width, depth: network.blocks.length, ...(standsFor && { standsFor }) }
}

/**
 * The descendant of a path: embedding of its first tier, the blocks of its segments with the stitches between them, head of its last tier.
 * It shares all weights with the family.
 *
 * @throws when the path names a tier, block or stitch that the family lacks
 */
export function descendantOf(family: StitchedFamily, stitchedPath: StitchedPath): Network {
  requireArguments('descendantOf', { family: ['family', family], path: ['stitchedPath', stitchedPath] })
  const { path, stitches } = stitchedPath
  const tiers = path.segments.map(({ tier }) => tierOf(family, tier))
  const blocks = path.segments.flatMap(({ tier, first, last }, i) => {
    const { blocks } = tiers[i]!.network
    if (last >= blocks.length)
      throw new Error(`${formatPath(path)}: tier ${tier} has blocks 0 to ${blocks.length - 1}; the path asks for ${last}`)
    const segment = blocks.slice(first, last + 1)
    return i === 0 ? segment : [stitchOf(family, stitches[i - 1]!.id), ...segment]
  })
  return { embedding: tiers[0]!.network.embedding, blocks, head: tiers[tiers.length - 1]!.network.head }
}

/**
 * Macs, parameters and memory of a path's descendant.
 *
 * @param options.convention `snnet` counts as SN-Net published its models (CVPR 2023): a single tier in full, a stitched model without the final
 * layer norm and without the class token and position embedding of its front
 */
export function costOfPath(family: StitchedFamily, path: StitchedPath, options: CostOptions = {}): Cost {
  requireArguments('costOfPath', { family: ['family', family], path: ['stitchedPath', path] })
  return costOf(descendantOf(family, path), path.stitches.length === 0 ? {} : options)
}

function tierOf(family: StitchedFamily, name: string): Tier {
  const tier = family.tiers.find((tier) => tier.name === name)
  if (!tier) throw new Error(`there is no tier '${name}'; the tiers are ${family.tiers.map(({ name }) => name).join(', ')}`)
  return tier
}

function stitchOf(family: StitchedFamily, id: string): Block {
  const stitch = family.stitches.get(id)
  if (!stitch) throw new Error(`there is no stitch '${id}'; the stitches are ${[...family.stitches.keys()].join(', ')}`)
  return stitch
}
