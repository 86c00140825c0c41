import { relative, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { evaluationCrop, grey, imageSource, preprocessingOf } from '@learngene/datasets'
import { imageFiles } from '@learngene/datasets/node'
import { loadTest, loadTrain } from '@learngene/fashion-mnist'
import type { Dataset, JsonObject, Preprocessing, RawImage } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { type Network, sidesOf } from '@learngene/vit-blocks'
import { z } from 'zod'

/** Images as a model takes them. */
export interface ModelImages {
  readonly name: string
  readonly source: ImageSource
  /** Whether the labels are the model's classes. */
  readonly labelled: boolean
}

/** What a model says about its images. */
export interface ModelInput {
  /** Names the model in errors. */
  readonly name: string
  readonly network: Network
  readonly details: JsonObject
}

/** The share of the short side that DeiT's evaluation keeps: 224 of 256 pixels. */
const CROP_SHARE = 0.875

const channelValues = z.array(z.number()).min(1)
const detailsSchema = z.object({
  normalisation: z.object({ mean: channelValues, std: channelValues }),
  classNames: z.array(z.string()).optional(),
})

/**
 * The images of a folder, at any depth, brought to the model's size, channels and normalisation. Its subfolders are the labels where they are the model's classes: by
 * name, else in order where there are as many.
 *
 * @throws when the folder holds no images or the model does not say how they are normalised
 */
export async function folderImages(dir: string, model: ModelInput, signal: AbortSignal): Promise<ModelImages> {
  const { preprocessing, classNames } = inputOf(model)
  const files = await imageFiles(dir)
  const folders = files.paths.map((path) => topFolder(relative(dir, path)))
  const { classes, labels } = labelsOf(folders, classNames, model.network.head.classes)
  const { channels } = model.network.embedding.geometry
  const picture = async (index: number, signal?: AbortSignal) => {
    const image = await files.picture(index, signal)
    return prepared(channels === 1 ? grey(image) : image, preprocessing, model.details)
  }
  const { mean, std } = preprocessing
  const source = imageSource({ ...files, classes, labels, picture }, { mean, std })
  return { name: dir, source: interruptible(source, signal), labelled: classes.length > 0 }
}

/**
 * The images that come with a model of this project: those of Fashion-MNIST where its details say so.
 *
 * @returns undefined for other models
 */
export async function embeddedImages(
  model: ModelInput,
  signal: AbortSignal,
): Promise<{ readonly images: ModelImages; readonly test: ModelImages } | undefined> {
  const { imageSize, channels } = model.network.embedding.geometry
  if (model.details.dataset !== 'Fashion-MNIST' || imageSize !== 28 || channels !== 1) return undefined
  const { preprocessing, classNames } = inputOf(model)
  const imagesOf = (dataset: Dataset): ModelImages => ({
    name: dataset.name,
    source: interruptible(imageSource(dataset, { mean: preprocessing.mean, std: preprocessing.std }), signal),
    labelled: model.network.head.classes === dataset.classes.length && (classNames ?? dataset.classes).join() === dataset.classes.join(),
  })
  return { images: imagesOf(await loadTrain()), test: imagesOf(await loadTest()) }
}

function inputOf({ name, network, details }: ModelInput): {
  readonly preprocessing: Preprocessing
  readonly classNames?: readonly string[]
} {
  const stated = details.preprocessing === undefined ? details : { ...details, normalisation: details.preprocessing }
  const parsed = detailsSchema.safeParse(stated)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new Error(
      `${name} must say how its images are normalised, in details.normalisation { mean, std } or a preprocessor_config.json or config.json beside it (name its folder); at ${path.join('.')}: ${message}`,
    )
  }
  const { channels, imageSize } = network.embedding.geometry
  const { mean, std } = parsed.data.normalisation
  if ((channels !== 1 && channels !== 3) || mean.length !== channels || std.length !== channels) {
    throw new Error(
      `${name} must take images of 1 or 3 channels, with a mean and a std for each; it takes ${channels}, with ${mean.length} and ${std.length}`,
    )
  }
  const size = sidesOf(imageSize)
  const preprocessing: Preprocessing =
    details.preprocessing === undefined
      ? { size, crop: 'center', cropPct: CROP_SHARE, interpolation: 'bicubic', mean, std }
      : preprocessingOf(details, size)
  return { preprocessing, classNames: parsed.data.classNames }
}

/** As the model's preprocessing says; where it says nothing but a normalisation, images of the model's size stay as they are and others are cropped as for DeiT's evaluation. */
function prepared(image: RawImage, preprocessing: Preprocessing, details: JsonObject): RawImage {
  const [height, width] = preprocessing.size
  const asItIs = details.preprocessing === undefined && image.height === height && image.width === width
  return asItIs ? image : evaluationCrop(image, preprocessing)
}

/** The subfolder that a file is in, '' for one beside them. */
function topFolder(path: string): string {
  return path.includes(sep) ? path.slice(0, path.indexOf(sep)) : ''
}

function labelsOf(
  folders: readonly string[],
  classNames: readonly string[] | undefined,
  count: number,
): Pick<Dataset, 'classes' | 'labels'> {
  const found = [...new Set(folders)]
  const labelled = (classes: readonly string[]) => ({ classes, labels: Uint16Array.from(folders, (folder) => classes.indexOf(folder)) })
  if (!found.includes('')) {
    if (classNames?.length === count && found.every((folder) => classNames.includes(folder))) return labelled(classNames)
    if (found.length === count) return labelled(found)
  }
  return { classes: [], labels: [] }
}

/** Lets Ctrl-C be heard before each batch, by whoever reads it: some backends never return to the event loop by themselves. */
function interruptible(source: ImageSource, signal: AbortSignal): ImageSource {
  return {
    ...source,
    async batch(indices, context) {
      await setImmediate()
      signal.throwIfAborted()
      return source.batch(indices, { signal, ...context })
    },
  }
}
