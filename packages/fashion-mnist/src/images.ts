import type { Dataset } from '@learngene/interfaces'
import { readValues } from './read-idx.js'
import { readOwnFile } from './read-own-file.js'

/** The ten classes; a label is an index into them. */
export const classes: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]

const side = 28
const imageSize = side * side

/** Each URL is written out, because bundlers find the files of a package by this pattern only. */
const files = {
  trainImages: new URL('../data/train-images-idx3-ubyte.gz', import.meta.url),
  trainLabels: new URL('../data/train-labels-idx1-ubyte.gz', import.meta.url),
  testImages: new URL('../data/t10k-images-idx3-ubyte.gz', import.meta.url),
  testLabels: new URL('../data/t10k-labels-idx1-ubyte.gz', import.meta.url),
}

/** 10,000 training images of 28 x 28 x 1, 1,000 of each class. Reads them anew at each call (about 8 MB of memory). */
export const loadTrain = (): Promise<Dataset> => load('Fashion-MNIST subset train', 10_000, files.trainImages, files.trainLabels)

/** 2,000 test images of 28 x 28 x 1, 200 of each class. Reads them anew at each call (about 2 MB of memory). */
export const loadTest = (): Promise<Dataset> => load('Fashion-MNIST subset test', 2_000, files.testImages, files.testLabels)

const load = async (name: string, length: number, imagesUrl: URL, labelsUrl: URL): Promise<Dataset> => {
  const [imagesFile, labelsFile] = await Promise.all([readOwnFile(imagesUrl), readOwnFile(labelsUrl)])
  const [pixels, labels] = await Promise.all([
    readValues(imagesFile, [length, side, side], imagesUrl.pathname),
    readValues(labelsFile, [length], labelsUrl.pathname),
  ])
  const checked = (index: number): number => {
    if (!Number.isInteger(index) || index < 0 || index >= length)
      throw new RangeError(`${name}: image indices are integers from 0 to ${length - 1}, got ${index}`)
    return index
  }
  let known: Promise<string> | undefined
  return {
    name,
    length,
    classes,
    labels,
    picture(index) {
      const start = checked(index) * imageSize
      return { data: pixels.subarray(start, start + imageSize), height: side, width: side, channels: 1 }
    },
    nameOf: (index) => `image ${checked(index)} of ${name}`,
    fingerprint() {
      known ??= sha256(pixels, labels, new TextEncoder().encode(classes.join('\n')))
      return known
    },
  }
}

const sha256 = async (...parts: readonly Uint8Array[]): Promise<string> => {
  const { subtle } = globalThis.crypto
  if (!subtle) throw new Error('fingerprints need crypto.subtle, which a page has when it comes over https or from localhost, got neither')
  const hash = new Uint8Array(await subtle.digest('SHA-256', await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
