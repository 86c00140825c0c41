import { evaluationCrop, inChannels, preprocessingOf } from '@learngene/datasets'
import type { Dataset, JsonObject, Preprocessing, RawImage } from '@learngene/interfaces'
import { describe, type Network, sidesOf } from '@learngene/vit-blocks'

/** What a model's files say about its images and classes. */
export interface ModelInput {
  readonly preprocessing: Preprocessing
  /** One for each class; undefined where the model names none. */
  readonly classNames?: readonly string[]
  /**
   * A decoded picture of any size as the network takes it but for the normalisation: uint8 pixels of `preprocessing.size` in the network's channels. Alpha is dropped, as
   * decoding does it; colours become grey by their luminance and grey becomes three equal channels.
   *
   * @throws when it is no picture of 1 to 4 channels, or has not the size that the preprocessing takes
   */
  prepare(picture: RawImage): RawImage
}

/**
 * Reads how a model's images are prepared, as `preprocessingOf` of `@learngene/datasets` does, and what its classes are called.
 *
 * @param name what errors call the model
 * @throws when the details do not say how images are normalised, or not for this network, or do not name each class
 */
export function modelInput({ network, details }: { readonly network: Network; readonly details: JsonObject }, name: string): ModelInput {
  const { channels, imageSize } = network.embedding.geometry
  const size = sidesOf(imageSize)
  const [height, width] = size
  const preprocessing = preprocessingIn(details, size, name)
  const { mean, std } = preprocessing
  if ((channels !== 1 && channels !== 3) || mean.length !== channels) {
    throw new Error(
      `${name} must take images of 1 or 3 channels, with a mean and a std for each; it takes ${channels}, with ${mean.length} and ${std.length}`,
    )
  }
  if (preprocessing.size[0] !== height || preprocessing.size[1] !== width) {
    throw new Error(
      `${name}: its preprocessing must make images of the network's ${height} x ${width}; it makes ${preprocessing.size.join(' x ')}: load the model with that imageSize, or mend details.preprocessing`,
    )
  }
  return {
    preprocessing,
    classNames: classNamesIn(details, network.head.classes, name),
    prepare(picture) {
      requirePicture(picture)
      return evaluationCrop(inChannels(picture, channels), preprocessing)
    },
  }
}

/** Names for classes that have none: 'class 0', 'class 1' and so on. */
export const numberedClasses = (classes: number): readonly string[] => Array.from({ length: classes }, (_, i) => `class ${i}`)

/** @throws when the network tells no classes apart */
export function requireClassifier({ head }: Network, name: string): void {
  if (head.classes > 0) return
  throw new Error(
    `${name} must have a classifier; it gives features alone: load it with { classes, rng } and train it, or take another model`,
  )
}

/** A dataset's pictures as {@link ModelInput.prepare} gives them: `imageSource(prepared(dataset, input), { mean, std })` normalises them. */
export function preparedPictures(dataset: Dataset, { preprocessing, prepare }: ModelInput): Dataset {
  const prepared = (picture: RawImage, index: number): RawImage => {
    try {
      return prepare(picture)
    } catch (error) {
      throw new Error(`${dataset.nameOf(index)}: ${(error as Error).message}`, { cause: error })
    }
  }
  const { name, length, classes, labels } = dataset
  // Whatever else a dataset has, such as how its pictures are decoded elsewhere, is that of pictures that are not prepared.
  return {
    name,
    length,
    classes,
    labels,
    nameOf: (index) => dataset.nameOf(index),
    picture(index, signal) {
      const found = dataset.picture(index, signal)
      return 'then' in found ? found.then((picture) => prepared(picture, index)) : prepared(found, index)
    },
    fingerprint: async () => `${await dataset.fingerprint()} ${JSON.stringify(preprocessing)}`,
  }
}

function preprocessingIn(details: JsonObject, size: readonly [number, number], name: string): Preprocessing {
  try {
    return preprocessingOf(details, size)
  } catch (error) {
    throw new Error(
      `${name} must say how its images are normalised, in its details or in a preprocessor_config.json or config.json beside it (name its folder): ${(error as Error).message}`,
      { cause: error },
    )
  }
}

function classNamesIn({ classNames: names }: JsonObject, classes: number, name: string): readonly string[] | undefined {
  if (names === undefined) return undefined
  if (Array.isArray(names) && names.length === classes && names.every((each) => typeof each === 'string')) return names as string[]
  throw new Error(`${name}: details.classNames must be one text for each of its ${classes} classes; got ${describe(names)}`)
}

function requirePicture(picture: RawImage): void {
  const { data, height, width, channels } = picture ?? {}
  if (data?.length === undefined || ![height, width, channels].every(Number.isInteger)) {
    throw new Error(
      `a picture must be { data, height, width, channels }, as decodeBlob or, in Node, decodeImage gives it; got ${describe(picture)}`,
    )
  }
  if (!(channels >= 1 && channels <= 4))
    throw new Error(`a picture must have 1 to 4 channels: grey or RGB, with alpha or without; got ${channels}`)
  if (!(height > 0 && width > 0) || data.length !== height * width * channels) {
    throw new Error(
      `a picture of ${height} x ${width} x ${channels} must have ${height * width * channels} values, and at least one; got ${data.length}`,
    )
  }
}
