import type { Rng } from '@learngene/interfaces'
import type { Block, BlockRegistry } from '@learngene/interfaces/tensors'
import { type BlockSpec, createBlock, disposeParameters, requireArguments } from '@learngene/vit-blocks'
import type { PathSpace } from './paths/index.js'

/** The kind of all stitches of a family; its configuration apart from the two widths. */
export const plainStitch: BlockSpec = { kind: 'stitch', config: {} }

/**
 * One stitch for every slot of a space, each drawn from a fork of its own.
 *
 * @param spec what kind of block they are; default {@link plainStitch}
 * @param blocks kinds besides the standard ones of vit-blocks
 * @returns by slot id
 * @throws when the kind is not registered or its configuration is not possible; nothing stays allocated then
 */
export function createStitches(
  space: PathSpace,
  rng: Rng,
  { kind, config }: BlockSpec = plainStitch,
  blocks?: BlockRegistry,
): Map<string, Block> {
  requireArguments('createStitches', { space: ['space', space], rng: ['rng', rng] })
  const widths = new Map(space.tiers.map(({ name, width }) => [name, width]))
  const stitches = new Map<string, Block>()
  try {
    for (const { id, fromTier, toTier } of space.stitchIds()) {
      const sized = { ...config, inputWidth: widths.get(fromTier)!, outputWidth: widths.get(toTier)! }
      stitches.set(id, createBlock({ kind, config: sized }, rng.fork(`stitch ${id}`), blocks))
    }
    return stitches
  } catch (error) {
    for (const { parameters } of stitches.values()) disposeParameters(parameters)
    throw error
  }
}
