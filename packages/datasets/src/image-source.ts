import type { Dataset, Preprocessing, RawImage, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { type Tensor4D, tensor2d, tensor4d } from '@tensorflow/tfjs-core'
import { type Augmentation, augmentationSteps } from './augment/augment.js'
import { checkKeys } from './augment/check-settings.js'
import { seedFrom } from './augment/draws.js'
import { average, averageTargets, drawMixture, exchange } from './augment/mix.js'
import { eachInParallel } from './each-picture.js'
import { once, sha256OfJson } from './fingerprint.js'
import { checkChannels, checkNormalisation, type Normalisation, normalise } from './normalise.js'
import { naming, preparedPictures } from './prepared-pictures.js'
import { checkPreprocessing } from './preprocess/preprocessing.js'
import { toTensor } from './to-tensor.js'

export interface ImageSourceOptions {
  /** What is changed at random; where that is anything, the source says that it is `augmented`. */
  readonly augment?: Augmentation
  /**
   * Bytes of decoded and framed pixels, not yet augmented, that are kept of pictures which take time to prepare, so that a second epoch prepares only what did not fit.
   * Default 1 GiB, which holds 7,000 pictures of 224 x 224 x 3; 0 keeps nothing. With `randomResizedCrop` pictures are kept in the size in which they are stored.
   */
  readonly memoryLimit?: number
}

/**
 * The pictures of a dataset as normalised tensors with their targets, which training and evaluation read by index.
 *
 * @param preparation a model's preprocessing, see `preprocessingOf`; or mean and std alone, for pictures of one size that are taken as they are
 * @throws when the preparation or the augmentation is not possible; `batch` rejects where pictures cannot be decoded, do not fit it or differ in size, naming one, where the
 * signal aborts, or where it augments without a generator
 */
export const imageSource = (
  dataset: Dataset,
  preparation: Normalisation | Preprocessing,
  options: ImageSourceOptions = {},
): ImageSource => {
  checkKeys('imageSource', options, ['augment', 'memoryLimit'])
  const { augment = {}, memoryLimit = 2 ** 30 } = options
  if (typeof dataset?.picture !== 'function')
    throw new Error(
      `imageSource needs a dataset, as imageFolder or arrayDataset make one, got ${JSON.stringify(dataset) ?? String(dataset)}`,
    )
  if (!(memoryLimit >= 0)) throw new RangeError(`memoryLimit must be a number of bytes of at least 0, got ${memoryLimit}`)
  checkPreparation(preparation)
  const steps = augmentationSteps(augment, preparation)
  const { change, custom, erase, mix, labelSmoothing } = steps
  const augmented = [change, custom, erase, mix].some((step) => step !== undefined)
  const prepared = preparedPictures(dataset, preparation, steps, memoryLimit)
  const classes = dataset.classes.length
  return {
    length: dataset.length,
    classes: dataset.classes,
    augmented,
    fingerprint: once(async () => sha256OfJson([await dataset.fingerprint(), preparation, describe(augment)])),
    async batch(indices, { step = 0, rng, signal } = {}) {
      if (indices.length === 0) throw new Error(`${dataset.name}: a batch needs the index of at least 1 image, got none`)
      if (augmented && !rng) throw new Error(`${dataset.name}: a source that augments needs a generator: batch(indices, { step, rng })`)
      const fork = (label: string | number) => (rng as Rng).fork(`${step}.${label}`)
      const targets = targetsOf(dataset, indices, labelSmoothing)
      const batch = collecting(dataset, indices)
      const read = (position: number): void | Promise<void> => {
        const index = indices[position]!
        const own = change || custom ? fork(index) : undefined
        const put = (image: RawImage) =>
          batch.put(custom ? naming(dataset, index, () => custom(image, own!.fork('custom'))) : image, position)
        const found = prepared(index, change && seedFrom(own!), signal)
        return 'then' in found ? found.then(put) : put(found)
      }
      await eachInParallel(indices.length, read, { signal })

      const shape = batch.shape()
      let pixels: Uint8Array | Float32Array = batch.pixels() // [B, h, w, c]
      if (erase) {
        const [, height, width, channels] = shape
        checkChannels(channels, preparation)
        pixels = normalise(batch.pixels(), preparation)
        const size = height * width * channels
        for (let i = 0; i < indices.length; i++) {
          erase(pixels.subarray(i * size, (i + 1) * size), [height, width, channels], fork(indices[i]!).fork('erasing'))
        }
      }
      const mixture = mix && drawMixture(mix, [shape[1], shape[2]], fork(`mix.${indices[0]}`))
      if (mixture) averageTargets(targets, classes, mixture.own)
      if (mixture?.box) exchange(pixels, shape, mixture.box)
      let images: Tensor4D = pixels instanceof Float32Array ? tensor4d(pixels, [...shape]) : toTensor(pixels, shape, preparation)
      if (mixture && !mixture.box) images = average(images, mixture.own)
      return { images, targets: tensor2d(targets, [indices.length, classes], 'float32') }
    },
  }
}

const checkPreparation = (preparation: Normalisation | Preprocessing): void => {
  if (!Array.isArray(preparation?.mean) || !Array.isArray(preparation.std))
    throw new Error(
      `imageSource needs a preprocessing (see preprocessingOf) or { mean, std } (see channelStatistics), got ${JSON.stringify(preparation) ?? String(preparation)}`,
    )
  if ('size' in preparation) checkPreprocessing(preparation)
  else checkNormalisation(preparation)
}

/** A function has no other description than its text. */
const describe = (augment: Augmentation) => ({ ...augment, custom: augment.custom && String(augment.custom) })

/** One buffer for all pixels of a batch, made when the first picture tells its size. */
const collecting = (dataset: Dataset, indices: ArrayLike<number>) => {
  let first: { readonly image: RawImage; readonly position: number } | undefined
  let all = new Uint8Array(0)
  return {
    put(image: RawImage, position: number) {
      const { height, width, channels, data } = image
      if (!first) {
        first = { image, position }
        all = new Uint8Array(indices.length * height * width * channels)
      }
      const { image: other } = first
      if (height !== other.height || width !== other.width || channels !== other.channels || data.length !== other.data.length) {
        const [name, otherName] = [position, first.position].map((at) => dataset.nameOf(indices[at]!))
        throw new Error(
          `${name}: the images of a batch must be of one size, got ${height} x ${width} x ${channels}, but ${otherName} is ${other.height} x ${other.width} x ${other.channels}; give imageSource a preprocessing with a size`,
        )
      }
      all.set(data, position * data.length)
    },
    pixels: () => all,
    shape: () => [indices.length, first!.image.height, first!.image.width, first!.image.channels] as const,
  }
}

/** [B, C], one-hot but for label smoothing; [B, 0] where nothing is labelled. */
const targetsOf = (dataset: Dataset, indices: ArrayLike<number>, labelSmoothing: number): Float32Array => {
  const classes = dataset.classes.length
  const others = classes === 0 ? 0 : labelSmoothing / classes
  const targets = new Float32Array(indices.length * classes).fill(others)
  for (let i = 0; classes > 0 && i < indices.length; i++) {
    const label = dataset.labels[indices[i]!]
    if (label === undefined) continue // the index is refused where the picture is read
    if (!(label < classes))
      throw new Error(`${dataset.nameOf(indices[i]!)}: its label must be below the number of classes, ${classes}, got ${label}`)
    targets[i * classes + label] = 1 - labelSmoothing + others
  }
  return targets
}
