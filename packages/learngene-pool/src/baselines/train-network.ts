import type { Rng } from '@learngene/interfaces'
import type { ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { requireArguments, requireKeys } from '@learngene/stitch'
import type { TrainingControl } from '@learngene/training'
import { disposeNetwork, type Network, parametersOf } from '@learngene/vit-blocks'
import { DISTILL_OPTIONS } from '../distill.js'
import { FINE_TUNE_OPTIONS } from '../fine-tune.js'
import { type Lesson, type Lessons, lessonsFrom } from '../lessons.js'
import { type TrainingPlan, trainByPlan } from '../training-plan.js'

/** How a single network is trained; without a teacher by the labels alone. */
export interface NetworkTraining extends TrainingPlan, TrainingControl, Lessons {
  /** Those of the network's parameters that are trained, such as its head's; default all. */
  readonly parameters?: Parameters
}

/** A network and the loss of each step of its training. */
export interface TrainedNetwork {
  readonly network: Network
  readonly losses: Float32Array
}

/**
 * Trains one network with the loss, schedule and batches that a pool is fine-tuned with.
 *
 * @returns the loss of each step
 */
export async function trainNetwork(network: Network, source: ImageSource, options: NetworkTraining, rng: Rng): Promise<Float32Array> {
  requireArguments('trainNetwork', { network: ['network', network] })
  requireArguments('trainNetwork', { source: ['source', source], rng: ['rng', rng] })
  requireKeys('trainNetwork', options, [...new Set(['parameters', ...FINE_TUNE_OPTIONS, ...DISTILL_OPTIONS])])
  const { classes } = network.head
  if (classes === 0) throw new Error('trainNetwork: labels need a classifier; the network gives features alone')
  const { parameters = parametersOf(network) } = options
  const { lesson, prepareLesson, loss } = await lessonsFrom('trainNetwork', source, classes, options)
  const training = {
    parameters,
    source,
    lesson,
    prepareLesson,
    loss: (_step: number, _index: number, images: Lesson) => loss(network, images),
    key: () => 'network',
    watched: () => [network],
  }
  return trainByPlan(options, training, rng)
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
