import type { CompiledStep } from '@learngene/compile-step'
import { opsSettings } from '@learngene/ops'
import { type Cascade, disposeCascade, forwardCascade } from '@learngene/stitch'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { getBackend, mul, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'

/** What names classes: a network, or a cascade of two. */
export type Classifier = Network | Cascade

export const isCascade = (classifier: Classifier): classifier is Cascade => 'small' in classifier

/** The network that says what images and classes a classifier has; those of a cascade agree on both. */
export const networkOf = (classifier: Classifier): Network => (isCascade(classifier) ? classifier.large : classifier)

/** @param images normalised [B, height, width, channels] @returns logits [B, C], to be disposed by the caller */
export const logitsOf = async (classifier: Classifier, images: Tensor4D): Promise<Tensor2D> =>
  isCascade(classifier) ? (await forwardCascade(classifier, images)).logits : logitsOfNetwork(classifier, images)

/** Models and batch sizes whose GPU commands are kept. */
const MOST_RECORDED = 32

const numbers = new WeakMap<Network, number>()
/** Forward passes that ran before: what comes once is not worth a recording. */
const met = new Set<string>()
let count = 0
let running: Network | undefined
let compiled: CompiledStep<{ readonly images: Tensor4D }, Tensor2D> | undefined

/** On webgpu, commands of a network and batch size that come again are recorded; all recordings share one set of buffers. */
async function logitsOfNetwork(network: Network, images: Tensor4D): Promise<Tensor2D> {
  if (getBackend() !== 'webgpu') return forward(network, images).logits
  if (!numbers.has(network)) numbers.set(network, count++)
  const key = `${numbers.get(network)} ${opsSettings()}`
  const place = `${key} ${images.shape}`
  if (!met.has(place)) {
    met.add(place)
    return forward(network, images).logits
  }
  const { compileStep } = await import('@learngene/compile-step')
  compiled ??= compileStep(({ images }) => forward(running!, images).logits, { maxRecordings: MOST_RECORDED })
  running = network
  const shared = compiled.run({ images }, key)
  const logits: Tensor2D = mul(shared, 1) // of its own: the next run may come before it is read
  shared.dispose()
  return logits
}

export function disposeClassifier(classifier: Classifier): void {
  compiled?.dispose()
  compiled = undefined
  if (isCascade(classifier)) disposeCascade(classifier)
  else disposeNetwork(classifier)
}
