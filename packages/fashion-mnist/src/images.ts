import type { Dataset } from '@learngene/interfaces/tensors'
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
  return {
    name,
    length,
    imageShape: [side, side, 1],
    classes,
    images(indices) {
      const chosen = new Uint8Array(indices.length * imageSize)
      for (let i = 0; i < indices.length; i++) {
        const start = checked(indices[i]!) * imageSize
        chosen.set(pixels.subarray(start, start + imageSize), i * imageSize)
      }
      return chosen
    },
    labels: (indices) => Uint8Array.from(indices, (index) => labels[checked(index)]!),
  }
}
