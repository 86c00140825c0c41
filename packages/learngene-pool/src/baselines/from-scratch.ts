import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { requireArguments } from '@learngene/stitch'
import { buildNetwork, type NetworkStructure, type PartRegistry } from '@learngene/vit-blocks'
import { type NetworkTraining, type TrainedNetwork, trainNew } from './train-network.js'

export interface FromScratchOptions extends NetworkTraining {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
}

/**
 * Trains a network of the given structure from random weights: what a descendant is worth without what it inherits. The structure of a
 * descendant comes from `structureOf(descendantOf(pool, path))` and includes its stitches.
 *
 * @throws what `buildNetwork` and the training throw; nothing stays allocated then
 */
export async function trainFromScratch(
  structure: NetworkStructure,
  source: ImageSource,
  options: FromScratchOptions,
  rng: Rng,
): Promise<TrainedNetwork> {
  requireArguments('trainFromScratch', { structure: ['object', structure], source: ['source', source], rng: ['rng', rng] })
  requireArguments('trainFromScratch', { options: ['object', options] })
  const network = buildNetwork(structure, options.parts, rng.fork('weights'))
  return trainNew(network, source, options, rng.fork('training'))
}
