import type { CompiledStep } from '@learngene/compile-step'
import { opsSettings } from '@learngene/ops'
import { type Cascade, disposeCascade, forwardCascade } from '@learngene/stitch'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { getBackend, mul, softmax, type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'

/** What names classes: a network, or a cascade of two. */
export type Classifier = Network | Cascade

export const isCascade = (classifier: Classifier): classifier is Cascade => 'small' in classifier

/** The network that says what images and classes a classifier has; those of a cascade agree on both. */
export const networkOf = (classifier: Classifier): Network => (isCascade(classifier) ? classifier.large : classifier)

/** @param images normalised [B, height, width, channels] @returns probabilities [B, C] by softmax, to be disposed by the caller */
export async function probabilitiesOf(classifier: Classifier, images: Tensor4D): Promise<Tensor2D> {
  if (!isCascade(classifier)) return probabilitiesOfNetwork(classifier, images)
  const { logits } = await forwardCascade(classifier, images)
  const probabilities = softmax(logits)
  logits.dispose()
  return probabilities
}

/** Models and batch sizes whose GPU commands are kept. */
const MOST_RECORDED = 32

const numbers = new WeakMap<Network, number>()
/** Forward passes that ran before: what comes once is not worth a recording. */
const met = new Set<string>()
let count = 0
let running: Network | undefined
let compiled: CompiledStep<{ readonly images: Tensor4D }, Tensor2D> | undefined

/** On webgpu, the programs of a network's first pass are compiled all at once, and commands of a batch size that comes again are recorded; all recordings share one set of buffers. */
async function probabilitiesOfNetwork(network: Network, images: Tensor4D): Promise<Tensor2D> {
  const pass = (network: Network, images: Tensor4D) => tidy(() => softmax(forward(network, images).logits))
  if (getBackend() !== 'webgpu') return pass(network, images)
  if (!numbers.has(network)) numbers.set(network, count++)
  const key = `${numbers.get(network)} ${opsSettings()}`
  const place = `${key} ${images.shape}`
  const { compileStep, runOnce } = await import('@learngene/compile-step')
  if (!met.has(place)) {
    met.add(place)
    return runOnce((images) => pass(network, images), images)
  }
  compiled ??= compileStep(({ images }) => pass(running!, images), { maxRecordings: MOST_RECORDED })
  running = network
  const shared = compiled.run({ images }, key)
  const probabilities: Tensor2D = mul(shared, 1) // of its own: the next run may come before it is read
  shared.dispose()
  return probabilities
}

export function disposeClassifier(classifier: Classifier): void {
  compiled?.dispose()
  compiled = undefined
  if (isCascade(classifier)) disposeCascade(classifier)
  else disposeNetwork(classifier)
}
