import type { Dataset } from '@learngene/interfaces/tensors'
import { checkedIndex } from './indices.js'

/**
 * The named images of a dataset as a dataset of their own, in the given order; a view, no pixels are copied. Indices may repeat.
 * Throws a RangeError when an index does not name an image.
 */
export const subset = (dataset: Dataset, indices: ArrayLike<number>): Dataset => {
  const chosen = Uint32Array.from(indices, (index) => checkedIndex(dataset.name, index, dataset.length))
  const outer = (inner: ArrayLike<number>) => Uint32Array.from(inner, (index) => chosen[checkedIndex(dataset.name, index, chosen.length)]!)
  return {
    name: dataset.name,
    length: chosen.length,
    imageShape: dataset.imageShape,
    classes: dataset.classes,
    images: (inner) => dataset.images(outer(inner)),
    labels: (inner) => dataset.labels(outer(inner)),
  }
}
