import type { Dataset, Preprocessing, RawImage, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { type Tensor4D, tensor2d, tensor4d } from '@tensorflow/tfjs-core'
import { type Augmentation, augmentationSteps } from './augment/augment.js'
import { average, averageTargets, drawMixture, exchange } from './augment/mix.js'
import { eachPicture } from './each-picture.js'
import { once, sha256OfJson } from './fingerprint.js'
import { checkChannels, checkNormalisation, type Normalisation, normalise, toTensor } from './normalise.js'
import { evaluationCrop } from './preprocess/evaluation-transform.js'
import { checkPreprocessing } from './preprocess/preprocessing.js'

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
  { augment = {}, memoryLimit = 2 ** 30 }: ImageSourceOptions = {},
): ImageSource => {
  if (!(memoryLimit >= 0)) throw new RangeError(`memoryLimit must be a number of bytes of at least 0, got ${memoryLimit}`)
  const frame = framing(preparation)
  const { change, beginsDecoded, erase, mix, labelSmoothing } = augmentationSteps(augment, preparation)
  const augmented = change !== undefined || erase !== undefined || mix !== undefined
  const prepared = keeping(dataset, beginsDecoded ? (image) => image : frame, memoryLimit)
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
      const put = (image: RawImage, position: number) => {
        const index = indices[position]!
        batch.put(change ? naming(dataset, index, () => change(image, fork(index))) : image, position)
      }
      await eachPicture(prepared, indices, put, { signal })

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

const framing = (preparation: Normalisation | Preprocessing): ((image: RawImage) => RawImage) => {
  if (!('size' in preparation)) {
    checkNormalisation(preparation)
    return (image) => image
  }
  checkPreprocessing(preparation)
  return (image) => evaluationCrop(image, preparation)
}

/** The pictures of a dataset framed, those that take time kept as long as there is room. What is kept first stays: in shuffled epochs each is as likely to be asked for. */
const keeping = (dataset: Dataset, frame: (image: RawImage) => RawImage, limit: number): Pick<Dataset, 'picture'> => {
  const kept = new Map<number, RawImage>()
  let bytes = 0
  const prepare = (image: RawImage, index: number, tookTime: boolean): RawImage => {
    const framed = naming(dataset, index, () => frame(image))
    const isAtHand = !tookTime && framed === image
    if (!isAtHand && !kept.has(index) && bytes + framed.data.byteLength <= limit) {
      kept.set(index, framed)
      bytes += framed.data.byteLength
    }
    return framed
  }
  return {
    picture(index, signal) {
      const known = kept.get(index)
      if (known) return known
      const found = dataset.picture(index, signal)
      return 'then' in found ? found.then((image) => prepare(image, index, true)) : prepare(found, index, false)
    },
  }
}

/** A function has no other description than its text. */
const describe = (augment: Augmentation) => ({ ...augment, custom: augment.custom && String(augment.custom) })

/** What fails for a picture, told with its name. */
const naming = <T>(dataset: Dataset, index: number, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw new Error(`${dataset.nameOf(index)}: ${(error as Error).message}`, { cause: error })
  }
}

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
