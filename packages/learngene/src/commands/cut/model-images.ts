import { imageSource } from '@learngene/datasets'
import { imageFiles } from '@learngene/datasets/node'
import { loadTest, loadTrain } from '@learngene/fashion-mnist'
import type { Dataset, JsonObject } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import type { Network } from '@learngene/vit-blocks'
import { interruptible } from '../../interruptible.js'
import { modelInput, preparedPictures } from '../../predict/model-input.js'
import { classKey, topFolder } from '../labelled-folder.js'

/** Images as a model takes them. */
export interface ModelImages {
  readonly name: string
  readonly source: ImageSource
  /** Whether the labels are the model's classes. */
  readonly labelled: boolean
}

/** A model with what its errors call it. */
export interface NamedModel {
  /** Names the model in errors. */
  readonly name: string
  readonly network: Network
  readonly details: JsonObject
}

/**
 * The images of a folder, at any depth, brought to the model's size, channels and normalisation. Its subfolders are the labels where they are the model's classes: by
 * name, else in order where there are as many.
 *
 * @throws when the folder holds no images or the model does not say how they are normalised
 */
export async function folderImages(dir: string, model: NamedModel, signal: AbortSignal): Promise<ModelImages> {
  const input = modelInput(model, model.name)
  const { mean, std } = input.preprocessing
  const files = await imageFiles(dir)
  const folders = files.paths.map((path) => topFolder(dir, path))
  const { classes, labels } = labelsOf(folders, input.classNames, model.network.head.classes)
  const source = imageSource(preparedPictures({ ...files, classes, labels }, input), { mean, std })
  return { name: dir, source: interruptible(source, signal), labelled: classes.length > 0 }
}

/**
 * The images that come with a model of this project: those of Fashion-MNIST where its details say so.
 *
 * @returns undefined for other models
 */
export async function embeddedImages(
  model: NamedModel,
  signal: AbortSignal,
): Promise<{ readonly images: ModelImages; readonly test: ModelImages } | undefined> {
  const { imageSize, channels } = model.network.embedding.geometry
  if (model.details.dataset !== 'Fashion-MNIST' || imageSize !== 28 || channels !== 1) return undefined
  const input = modelInput(model, model.name)
  const { mean, std } = input.preprocessing
  const imagesOf = (dataset: Dataset): ModelImages => ({
    name: dataset.name,
    source: interruptible(imageSource(preparedPictures(dataset, input), { mean, std }), signal),
    labelled:
      model.network.head.classes === dataset.classes.length && (input.classNames ?? dataset.classes).join() === dataset.classes.join(),
  })
  return { images: imagesOf(await loadTrain()), test: imagesOf(await loadTest()) }
}

function labelsOf(
  folders: readonly string[],
  classNames: readonly string[] | undefined,
  count: number,
): Pick<Dataset, 'classes' | 'labels'> {
  const found = [...new Set(folders)]
  const labelled = (classes: readonly string[]) => {
    const keys = classes.map(classKey)
    return { classes, labels: Uint16Array.from(folders, (folder) => keys.indexOf(classKey(folder))) }
  }
  if (!found.includes('')) {
    const known = new Set(classNames?.map(classKey))
    if (classNames?.length === count && found.every((folder) => known.has(classKey(folder)))) return labelled(classNames)
    if (found.length === count) return labelled(found)
  }
  return { classes: [], labels: [] }
}
