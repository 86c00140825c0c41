import type { Cost } from '@learngene/interfaces'
import { disposeNetwork, type Network, parametersOf } from './network.js'
import { countParameters, withoutWeights } from './parameters.js'
import { buildNetwork, type NetworkStructure, type PartRegistry } from './structure.js'

export interface CostOptions {
  /**
   * `full` (default) counts what is stored and what runs. `snnet` reproduces the published numbers of SN-Net's stitched models
   * (Pan et al. 2023, arXiv 2302.06586), whose MACs leave out the final layer norm and whose parameters leave out class token and position embedding.
   */
  readonly convention?: 'full' | 'snnet'
}

/**
 * What one forward pass of one image costs. MACs as fvcore counts them: matrix products and 5 per element of a layer norm, nothing for softmax,
 * GELU and additions. Memory = 4 bytes x (all parameters + the largest number of floats alive at once in any part, its input and output included).
 */
export function costOf(network: Network, { convention = 'full' }: CostOptions = {}): Cost {
  const { embedding, blocks, head } = network
  const { tokens } = embedding
  const parameters = countParameters(parametersOf(network))
  const live = Math.max(embedding.liveFloats(), ...blocks.map((block) => block.liveFloats(tokens)), head.liveFloats(tokens))
  const macs = embedding.macs() + blocks.reduce((sum, block) => sum + block.macs(tokens), 0) + head.macs(tokens)
  const { cls_token, pos_embed } = embedding.parameters
  const omitted =
    convention === 'snnet'
      ? { macs: head.normaliseMacs(tokens), parameters: (cls_token?.size ?? 0) + (pos_embed?.size ?? 0) }
      : { macs: 0, parameters: 0 }
  return { macs: macs - omitted.macs, parameters: parameters - omitted.parameters, memory: 4 * (parameters + live) }
}

/**
 * {@link costOf} of a network that is not there: nothing is allocated and no backend is needed.
 *
 * @param options.parts factories of kinds besides the standard ones
 */
export function costOfStructure(structure: NetworkStructure, options: CostOptions & { readonly parts?: PartRegistry } = {}): Cost {
  const network = withoutWeights(() => buildNetwork(structure, options.parts))
  const cost = costOf(network, options)
  disposeNetwork(network)
  return cost
}
