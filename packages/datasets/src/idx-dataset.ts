import type { Dataset } from '@learngene/interfaces'
import { arrayDataset } from './array-dataset.js'
import type { IdxArray } from './idx.js'

export interface IdxDatasetOptions {
  readonly name: string
  /** Shape [length, height, width] (grey) or [length, height, width, channels]. */
  readonly images: IdxArray
  /** Shape [length]. */
  readonly labels: IdxArray
  readonly classes: readonly string[]
}

/**
 * A dataset from an image file and a label file in IDX.
 * Throws when the ranks are wrong, the counts differ or a label is not below the number of classes.
 */
export const idxDataset = ({ name, images, labels, classes }: IdxDatasetOptions): Dataset => {
  const [count, height, width, channels = 1] = images.shape
  if (count === undefined || height === undefined || width === undefined || images.shape.length > 4)
    throw new Error(
      `${name}: images must have shape length x height x width [x channels], got ${images.shape.join(' x ')}; are images and labels swapped?`,
    )
  if (labels.shape.length !== 1)
    throw new Error(`${name}: labels must have 1 dimension, got shape ${labels.shape.join(' x ')}; are images and labels swapped?`)
  if (count !== labels.shape[0])
    throw new Error(
      `${name}: ${count} images need ${count} labels, got ${labels.shape[0]}; take both files from the same part of the dataset`,
    )
  return arrayDataset({ name, imageShape: [height, width, channels], classes, pixels: images.data, labels: labels.data })
}
