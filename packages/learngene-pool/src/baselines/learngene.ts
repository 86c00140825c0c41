import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { requireArguments } from '@learngene/stitch'
import { buildNetwork, copyParameters, type Network, type PartRegistry, structureOf } from '@learngene/vit-blocks'
import { type NetworkTraining, type TrainedNetwork, trainNew } from './train-network.js'

export interface LearngeneSpec {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** Blocks of the descendant. */
  readonly depth: number
  /** How many of the ancestor's last blocks it inherits; default 3. */
  readonly inherited?: number
}

/**
 * A descendant of vanilla Learngene (Wang et al., AAAI 2022, in its ViT form): copies of the ancestor's last blocks behind fresh
 * ones of the same width. Embedding, final norm and head are fresh too: only blocks are inherited.
 *
 * @throws when the depth is less than the inherited blocks, or these are more than the ancestor has
 */
export function inheritLearngene(ancestor: Network, spec: LearngeneSpec, rng: Rng): Network {
  requireArguments('learngene', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  const { depth, inherited = 3, parts } = spec
  const length = ancestor.blocks.length
  if (!Number.isInteger(inherited) || inherited < 1 || inherited > length) {
    throw new Error(`learngene: 'inherited' must be an integer from 1 to ${length}, the depth of the ancestor; got ${inherited}`)
  }
  if (!Number.isInteger(depth) || depth < inherited) {
    throw new Error(`learngene: 'depth' must be an integer of at least ${inherited}, the number of inherited blocks; got ${depth}`)
  }
  const structure = structureOf(ancestor)
  const last = structure.blocks.slice(length - inherited)
  const fresh = Array.from({ length: depth - inherited }, () => last[0]!)
  const network = buildNetwork({ ...structure, blocks: [...fresh, ...last] }, parts, rng)
  for (let i = 1; i <= inherited; i++) copyParameters(ancestor.blocks[length - i]!.parameters, network.blocks[depth - i]!.parameters)
  return network
}

/**
 * {@link inheritLearngene}, then trained whole.
 *
 * @throws what the training throws; nothing stays allocated then
 */
export async function trainLearngene(
  ancestor: Network,
  spec: LearngeneSpec,
  source: ImageSource,
  options: NetworkTraining,
  rng: Rng,
): Promise<TrainedNetwork> {
  requireArguments('learngene', { source: ['source', source], rng: ['rng', rng] })
  return trainNew(inheritLearngene(ancestor, spec, rng.fork('weights')), source, options, rng.fork('training'))
}
