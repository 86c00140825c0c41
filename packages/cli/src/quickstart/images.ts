import { splitBalanced, toTensor } from '@learngene/datasets'
import type { Rng } from '@learngene/interfaces'
import type { Dataset, ImageSource } from '@learngene/interfaces/tensors'

/** How pixels become a network's input. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

export interface QuickstartImages {
  readonly training: ImageSource
  readonly validation: ImageSource
  readonly test: ImageSource
}

/** The images of a dataset as normalised tensors. */
export function imageSource(dataset: Dataset, normalisation: Normalisation): ImageSource {
  return {
    length: dataset.length,
    images: (indices) => toTensor(dataset.images(indices), [indices.length, ...dataset.imageShape], normalisation),
    labels: (indices) => dataset.labels(indices),
  }
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
