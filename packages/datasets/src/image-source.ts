import type { Dataset, ImageSource } from '@learngene/interfaces/tensors'
import type { Augmentation } from './augment.js'
import { type Normalisation, toTensor } from './normalise.js'

/**
 * The images of a dataset as normalised tensors, which training and evaluation read by index.
 *
 * @param options.augment changes the pixels of each batch before they are normalised; the source then says that it is `augmented`
 */
export const imageSource = (
  dataset: Dataset,
  normalisation: Normalisation,
  { augment }: { readonly augment?: Augmentation } = {},
): ImageSource => ({
  length: dataset.length,
  augmented: augment !== undefined,
  images: (indices) => {
    const shape = [indices.length, ...dataset.imageShape] as const
    const pixels = dataset.images(indices)
    return toTensor(augment ? augment(pixels, shape) : pixels, shape, normalisation)
  },
  labels: (indices) => dataset.labels(indices),
})
