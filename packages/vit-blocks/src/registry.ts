import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Block, BlockRegistry } from '@learngene/interfaces/tensors'
import { createLoraStitch, createStitch } from './stitch-blocks.js'
import { createTransformerBlock } from './transformer-block.js'

/** A block to be built: its kind's name in the registry and the factory's configuration. */
export interface BlockSpec {
  readonly kind: string
  readonly config: JsonObject
}

/** The block kinds that every file may name: the encoder block of ViT, and what joins the blocks of a descendant. */
export const standardBlocks: BlockRegistry = {
  transformer: createTransformerBlock,
  stitch: createStitch,
  loraStitch: createLoraStitch,
}

/**
 * Builds a block by its kind.
 *
 * @param blocks kinds besides {@link standardBlocks}; one of the same name takes precedence
 * @throws when the kind is not registered, naming those that are
 */
export function createBlock(spec: BlockSpec, rng: Rng, blocks: BlockRegistry = {}): Block {
  const factories = new Map(Object.entries({ ...standardBlocks, ...blocks }))
  const factory = factories.get(spec.kind)
  if (factory === undefined) {
    throw new Error(
      `unknown block kind '${spec.kind}'; known are ${[...factories.keys()].join(', ')}. Pass its factory: { blocks: { '${spec.kind}': factory } }`,
    )
  }
  return factory(spec.config, rng)
}
