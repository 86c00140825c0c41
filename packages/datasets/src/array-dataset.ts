import type { Dataset } from '@learngene/interfaces/tensors'
import { checkedIndex } from './indices.js'

export interface ArrayDatasetOptions {
  readonly name: string
  readonly imageShape: Dataset['imageShape']
  readonly classes: readonly string[]
  /** All images one after the other: length x height x width x channels. */
  readonly pixels: Uint8Array
  /** One class index per image. */
  readonly labels: Uint8Array | Uint16Array
}

/**
 * A dataset over arrays in memory; the arrays are used, not copied.
 * Throws when the number of pixels is not that of one image per label, a class has no name, or a label is not below the number of classes.
 */
export const arrayDataset = ({ name, imageShape, classes, pixels, labels }: ArrayDatasetOptions): Dataset => {
  const size = imageShape[0] * imageShape[1] * imageShape[2]
  if (!imageShape.every((side) => Number.isInteger(side) && side > 0))
    throw new Error(`${name}: height, width and channels must be positive integers, got ${imageShape.join(' x ')}`)
  checkClasses(name, classes)
  if (labels.length === 0) throw new Error(`${name}: a dataset needs at least 1 image, got 0 labels`)
  if (pixels.length !== labels.length * size)
    throw new Error(
      `${name}: ${labels.length} labels with images of ${imageShape.join(' x ')} need ${labels.length * size} pixels, got ${pixels.length}; do images and labels belong together?`,
    )
  const wrong = labels.findIndex((label) => label >= classes.length)
  if (wrong >= 0)
    throw new Error(
      `${name}: labels must be below the number of classes, ${classes.length}; label ${wrong} is ${labels[wrong]}; list every class`,
    )

  return {
    name,
    length: labels.length,
    imageShape,
    classes,
    images(indices) {
      const chosen = new Uint8Array(indices.length * size)
      for (let i = 0; i < indices.length; i++) {
        const start = checkedIndex(name, indices[i]!, labels.length) * size
        chosen.set(pixels.subarray(start, start + size), i * size)
      }
      return chosen
    },
    labels(indices) {
      const chosen = labels instanceof Uint8Array ? new Uint8Array(indices.length) : new Uint16Array(indices.length)
      for (let i = 0; i < indices.length; i++) chosen[i] = labels[checkedIndex(name, indices[i]!, labels.length)]!
      return chosen
    },
  }
}

/** @throws one line when there are no classes, or one has no name */
export const checkClasses = (name: string, classes: readonly string[]): void => {
  if (!Array.isArray(classes) || classes.length === 0)
    throw new Error(`${name}: classes must be a list of at least 1 name, got ${JSON.stringify(classes) ?? classes}`)
  const wrong = classes.findIndex((each) => typeof each !== 'string' || each.trim() === '')
  if (wrong >= 0)
    throw new Error(`${name}: the names of classes must be non-empty texts, got ${JSON.stringify(classes[wrong])} for class ${wrong}`)
}
