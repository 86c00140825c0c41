import type { Dataset } from '@learngene/interfaces'
import { once, sha256, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { checkedIndex } from './indices.js'

export interface ArrayDatasetOptions {
  readonly name: string
  /** Of each image. */
  readonly imageShape: readonly [height: number, width: number, channels: number]
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
  const [height, width, channels] = imageShape
  const size = height * width * channels
  if (!imageShape.every((side) => Number.isInteger(side) && side > 0))
    throw new Error(`${name}: height, width and channels must be positive integers, got ${imageShape.join(' x ')}`)
  checkClasses(name, classes)
  if (labels.length === 0) throw new Error(`${name}: a dataset needs at least 1 image, got 0 labels`)
  if (pixels.length !== labels.length * size)
    throw new Error(
      `${name}: ${labels.length} labels with images of ${imageShape.join(' x ')} need ${labels.length * size} pixels, got ${pixels.length}; do images and labels belong together?`,
    )
  checkLabels(name, labels, classes)
  // Not a Buffer, whose slices share their memory.
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length)
  return {
    name,
    length: labels.length,
    classes,
    labels,
    picture(index) {
      const start = checkedIndex(name, index, labels.length) * size
      return { data: bytes.subarray(start, start + size), height, width, channels }
    },
    nameOf: (index) => numberedName(name, index),
    fingerprint: once(async () => sha256OfJson([imageShape, await sha256(bytes), await sha256OfNumbers(labels), classes])),
  }
}

/** What errors call a picture that has no file. */
export const numberedName = (dataset: string, index: number): string => `image ${index} of ${dataset}`

/** @throws one line when there are no classes, or one has no name */
export const checkClasses = (name: string, classes: readonly string[]): void => {
  if (!Array.isArray(classes) || classes.length === 0)
    throw new Error(`${name}: classes must be a list of at least 1 name, got ${JSON.stringify(classes) ?? classes}`)
  const wrong = classes.findIndex((each) => typeof each !== 'string' || each.trim() === '')
  if (wrong >= 0)
    throw new Error(`${name}: the names of classes must be non-empty texts, got ${JSON.stringify(classes[wrong])} for class ${wrong}`)
}

const checkLabels = (name: string, labels: Uint8Array | Uint16Array, classes: readonly string[]): void => {
  const wrong = labels.findIndex((label) => label >= classes.length)
  if (wrong >= 0)
    throw new Error(
      `${name}: labels must be below the number of classes, ${classes.length}; label ${wrong} is ${labels[wrong]}; list every class`,
    )
}
