import type { Cost } from '@learngene/interfaces'
import type { Network } from './network.js'
import { parametersOf } from './network.js'
import { countParameters } from './parameters.js'

/**
 * What one forward pass of one image costs (method.md section 2). MACs as fvcore counts them; parameters all that are stored;
 * memory = 4 bytes x (parameters + the largest number of floats alive at once in any part: a part's input, its output and what it makes between them).
 */
export function costOf(network: Network): Cost {
  const { embedding, blocks, head } = network
  const { tokens } = embedding
  const parameters = countParameters(parametersOf(network))
  const live = Math.max(embedding.liveFloats(), ...blocks.map((block) => block.liveFloats(tokens)), head.liveFloats(tokens))
  return {
    macs: embedding.macs() + blocks.reduce((sum, block) => sum + block.macs(tokens), 0) + head.macs(tokens),
    parameters,
    memory: 4 * (parameters + live),
  }
}
