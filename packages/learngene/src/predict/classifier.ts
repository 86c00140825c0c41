import { type Cascade, disposeCascade, forwardCascade } from '@learngene/stitch'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'

/** What names classes: a network, or a cascade of two. */
export type Classifier = Network | Cascade

export const isCascade = (classifier: Classifier): classifier is Cascade => 'small' in classifier

/** The network that says what images and classes a classifier has; those of a cascade agree on both. */
export const networkOf = (classifier: Classifier): Network => (isCascade(classifier) ? classifier.large : classifier)

/** @param images normalised [B, height, width, channels] @returns logits [B, C], to be disposed by the caller */
export const logitsOf = async (classifier: Classifier, images: Tensor4D): Promise<Tensor2D> =>
  isCascade(classifier) ? (await forwardCascade(classifier, images)).logits : forward(classifier, images).logits

export function disposeClassifier(classifier: Classifier): void {
  if (isCascade(classifier)) disposeCascade(classifier)
  else disposeNetwork(classifier)
}
