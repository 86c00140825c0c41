import type { Preprocessing } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import type { Augmentation } from './augment.js'
import type { ImageFiles } from './image-folder.js'
import { type Normalisation, toTensor } from './normalise.js'
import { evaluationCrop } from './preprocess/evaluation-transform.js'
import { checkPreprocessing } from './preprocess/preprocessing.js'
import type { RawImage } from './preprocess/raw-image.js'

export type FolderSourceOptions = {
  /** Changes the pixels of each batch; the source then says that it is `augmented`. */
  readonly augment?: Augmentation
} & (
  | {
      /** How the model takes its images; see `preprocessingOf`. */
      readonly preprocessing: Preprocessing
    }
  | {
      /** Brings a decoded image to the size of all. */
      readonly crop: (image: RawImage) => RawImage
      readonly normalisation: Normalisation
    }
)

/** Image files that may have labels, one per file. */
export type FolderImages = ImageFiles & { readonly labels?: ArrayLike<number> }

/**
 * The images of a folder, decoded by sharp's threads when they are prepared: while one batch computes, the next is decoded. Holds the pixels of the
 * last two batches that were prepared.
 *
 * @throws when the preprocessing is not possible; from `images` where an image was not prepared; from `labels` where the folder has none; from `prepare` as `decodeImage` does, and where crops differ in size
 */
export const folderSource = (folder: FolderImages, options: FolderSourceOptions): ImageSource => {
  const { augment } = options
  const { crop, normalisation } = 'preprocessing' in options ? stepsOf(options.preprocessing) : options
  let held: readonly ReadonlyMap<number, Promise<RawImage>>[] = []
  const ready = new Map<number, RawImage>()
  const find = (index: number) => held.map((batch) => batch.get(index)).find((image) => image !== undefined)
  return {
    length: folder.length,
    augmented: augment !== undefined,
    async prepare(indices) {
      const batch = new Map(Array.from(indices, (index) => [index, find(index) ?? folder.image(index).then(crop)] as const))
      held = [batch, ...held.slice(0, 1)]
      for (const index of ready.keys()) if (!find(index)) ready.delete(index)
      try {
        for (const [index, image] of await Promise.all(Array.from(batch, async ([index, image]) => [index, await image] as const))) {
          ready.set(index, image)
        }
      } catch (error) {
        held = held.filter((other) => other !== batch)
        throw error
      }
    },
    images(indices) {
      const images = Array.from(indices, (index) => {
        const image = ready.get(index)
        if (!image) throw new Error(`image ${index} of a folder must be decoded before it is read: await source.prepare(indices) first`)
        return image
      })
      const { height, width, channels } = images[0]!
      const pixels = new Uint8Array(images.length * height * width * channels)
      images.forEach((image, i) => {
        if (image.height !== height || image.width !== width || image.channels !== channels) {
          throw new Error(
            `images of a batch must be of one size, ${height} x ${width} x ${channels}; image ${indices[i]} is ${image.height} x ${image.width} x ${image.channels}`,
          )
        }
        pixels.set(image.data, i * height * width * channels)
      })
      const shape = [images.length, height, width, channels] as const
      return toTensor(augment ? augment(pixels, shape) : pixels, shape, normalisation)
    },
    labels(indices) {
      const { labels } = folder
      if (!labels) throw new Error('the images of this folder have no labels; read it with imageFolder where its subfolders are classes')
      return Array.from(indices, (index) => labels[index]!)
    },
  }
}

const stepsOf = (preprocessing: Preprocessing) => {
  checkPreprocessing(preprocessing)
  return { crop: (image: RawImage) => evaluationCrop(image, preprocessing), normalisation: preprocessing }
}
