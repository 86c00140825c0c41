import type { Preprocessing } from '@learngene/interfaces'
import type { Dataset, ImageSource } from '@learngene/interfaces/tensors'
import type { Augmentation } from './augment.js'
import { type Normalisation, toTensor } from './normalise.js'
import { evaluationCrop } from './preprocess/evaluation-transform.js'
import { checkPreprocessing } from './preprocess/preprocessing.js'

/**
 * The images of a dataset as normalised tensors, which training and evaluation read by index.
 *
 * @param preparation mean and std, for images that are taken as they are; or a model's whole preprocessing, see `preprocessingOf`
 * @param options.augment changes the pixels of each batch before they are normalised; the source then says that it is `augmented`
 * @throws when the preprocessing is not possible; from `images` where it does not fit the images
 */
export const imageSource = (
  dataset: Dataset,
  preparation: Normalisation | Preprocessing,
  { augment }: { readonly augment?: Augmentation } = {},
): ImageSource => {
  const framed = 'size' in preparation ? preparation : undefined
  if (framed) checkPreprocessing(framed)
  const [height, width, channels] = dataset.imageShape
  return {
    length: dataset.length,
    augmented: augment !== undefined,
    images: (indices) => {
      const shape = [indices.length, ...(framed?.size ?? [height, width]), channels] as const
      const read = dataset.images(indices)
      const pixels = framed ? cropEach(read, dataset.imageShape, framed) : read
      return toTensor(augment ? augment(pixels, shape) : pixels, shape, preparation)
    },
    labels: (indices) => dataset.labels(indices),
  }
}

/** [B, height, width, c] -> [B, ...preprocessing.size, c] */
const cropEach = (pixels: Uint8Array, [height, width, channels]: Dataset['imageShape'], preprocessing: Preprocessing): Uint8Array => {
  const length = height * width * channels
  const croppedLength = preprocessing.size[0] * preprocessing.size[1] * channels
  const cropped = new Uint8Array((pixels.length / length) * croppedLength)
  for (let from = 0, to = 0; from < pixels.length; from += length, to += croppedLength) {
    const image = { data: pixels.subarray(from, from + length), height, width, channels }
    cropped.set(evaluationCrop(image, preprocessing).data, to)
  }
  return cropped
}
