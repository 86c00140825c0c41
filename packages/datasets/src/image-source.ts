import type { Dataset, ImageSource } from '@learngene/interfaces/tensors'
import { type Normalisation, toTensor } from './normalise.js'

/** The images of a dataset as normalised tensors, which training and evaluation read by index. */
export const imageSource = (dataset: Dataset, normalisation: Normalisation): ImageSource => ({
  length: dataset.length,
  images: (indices) => toTensor(dataset.images(indices), [indices.length, ...dataset.imageShape], normalisation),
  labels: (indices) => dataset.labels(indices),
})
