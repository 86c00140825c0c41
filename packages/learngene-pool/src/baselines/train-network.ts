import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { requireArguments, type StitchedFamily, shapeOfTier, singleTiers } from '@learngene/stitch'
import { disposeNetwork, type Network } from '@learngene/vit-blocks'
import { type FineTuneOptions, fineTune } from '../fine-tune.js'

/** How a single network is trained; without a teacher by the labels alone. */
export type NetworkTraining = Omit<FineTuneOptions, 'policy' | 'pathsPerStep' | 'learningRateScale'>

/** A network and the loss of each step of its training. */
export interface TrainedNetwork {
  readonly network: Network
  readonly losses: Float32Array
}

/**
 * Trains one network with the loss, schedule and batches that a pool is fine-tuned with: a family of one path.
 *
 * @returns the loss of each step
 */
export async function trainNetwork(network: Network, source: ImageSource, options: NetworkTraining, rng: Rng): Promise<Float32Array> {
  requireArguments('trainNetwork', { network: ['network', network] })
  const tier = { name: 'network', network, transformations: [] }
  const family: StitchedFamily = { tiers: [tier], space: singleTiers([shapeOfTier(tier)]), stitches: new Map() }
  return fineTune(family, source, options, rng)
}

/** Trains a network that was made for this; frees it when the training fails. */
export async function trainNew(network: Network, source: ImageSource, options: NetworkTraining, rng: Rng): Promise<TrainedNetwork> {
  try {
    return { network, losses: await trainNetwork(network, source, options, rng) }
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
}
