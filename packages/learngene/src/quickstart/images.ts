import { imageSource, type Normalisation, splitBalanced } from '@learngene/datasets'
import type { Dataset, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'

export interface QuickstartImages {
  readonly training: ImageSource
  readonly validation: ImageSource
  readonly test: ImageSource
}

/** Holds out class-balanced validation images from the training images; descendants are chosen on them and reported on the test images. */
export function splitImages(
  train: Dataset,
  test: Dataset,
  counts: { readonly validationImages: number; readonly trainingImages?: number },
  normalisation: Normalisation,
  rng: Rng,
): QuickstartImages {
  const [validation, rest] = splitBalanced(train, counts.validationImages, rng.fork('validation'))
  const training = counts.trainingImages === undefined ? rest : splitBalanced(rest, counts.trainingImages, rng.fork('training'))[0]
  return {
    training: imageSource(training, normalisation),
    validation: imageSource(validation, normalisation),
    test: imageSource(test, normalisation),
  }
}
