import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Augmentation } from '@learngene/datasets'
import { type ImageFolderOptions, imageFolder, imageFolders, loadFashionMnist } from '@learngene/datasets/node'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import type { Dataset, Reporter } from '@learngene/interfaces'
import { checkSettings, defineRecipe, type GivenAncestor, type Recipe, type Registry } from '@learngene/recipe'
import { describe, loadModel, requireKeys } from '@learngene/vit-blocks'
import { loadViT } from '@learngene/vit-blocks/node'
import { asUsage, UsageError } from '../errors.js'
import type { NamedDatasets, RunConfig } from './config.js'
import { modelFile } from './run-folder.js'

/** Data of embedded Fashion-MNIST, of its four files, of a function, or of folders. @throws Error of one line that tells all faults of all folders */
export async function readImages({ images, data }: Pick<RunConfig, 'images' | 'data'>): Promise<NamedDatasets> {
  if (data) return checkedData(await data())
  const { training, validation, test, order, classes, exifOrientation } = images
  if (training === 'embedded') return { training: await loadTrain(), test: await loadTest() }
  if (training.startsWith(FASHION_MNIST)) {
    const { train, test } = await loadFashionMnist(training.slice(FASHION_MNIST.length))
    return { training: train, test }
  }
  const options: ImageFolderOptions = { order, classes, exifOrientation }
  if (validation === undefined && test === undefined) return { training: await imageFolder(training, options) }
  const dirs = { training, ...(validation !== undefined && { validation }), ...(test !== undefined && { test }) }
  return (await imageFolders(dirs as { [part: string]: string }, options)) as unknown as {
    training: Dataset
    validation?: Dataset
    test?: Dataset
  }
}

/** @throws where a function of data gives something else than datasets */
function checkedData(datasets: NamedDatasets): NamedDatasets {
  requireKeys('data', datasets, ['training', 'validation', 'test'])
  for (const [part, dataset] of Object.entries({ ...datasets, training: datasets.training })) {
    if (dataset === undefined && part !== 'training') continue
    if (typeof dataset?.picture === 'function' && typeof dataset.fingerprint === 'function') continue
    throw new UsageError(`data: ${part} must be a dataset, for example of imageFolder or arrayDataset; got ${describe(dataset)}`)
  }
  return datasets
}

const FASHION_MNIST = 'fashion-mnist:'

/** A run's configuration as a recipe. @param datasets what {@link readImages} gave, unreadable pictures left out */
export function buildRecipe(config: RunConfig, datasets: NamedDatasets, seed: number, fingerprint: string, report?: Reporter): Recipe {
  const { images, augmentation } = config
  const { validationImages, testImages, trainingImages, memoryLimit } = images
  return defineRecipe({
    ...recipeWithoutData(config, fingerprint, report),
    seed,
    data: {
      ...datasets,
      ...{ validationImages, testImages, trainingImages, memoryLimit },
      ...(augmentation && { augmentation: augmentation as Augmentation }),
    },
  })
}

/** All of a run's configuration that a recipe takes as it is, and the ancestor. */
export function recipeWithoutData(config: RunConfig, fingerprint: string, report?: Reporter): Omit<Recipe, 'seed' | 'data'> {
  const { ancestor, model, images: _, augmentation: __, data: ___, ...rest } = config
  const given: GivenAncestor = { name: ancestor, fingerprint, load: () => loadAncestor(ancestor, report, config.registry) }
  if (ancestor === 'train' && !model) throw new Error("an ancestor that is trained here needs 'model': its sizes and how it is trained")
  return { ...(rest as unknown as Omit<Recipe, 'seed' | 'ancestor' | 'data'>), ancestor: ancestor === 'train' ? model! : given }
}

/**
 * What of a configuration only the recipe can tell to be wrong, before there are images.
 *
 * @param name whose configuration it is, such as the file's
 * @throws UsageError of one line
 */
export function checkRun(config: RunConfig, name: string): void {
  asUsage(() => checkSettings({ seed: 0, ...recipeWithoutData(config, config.ancestor) }, name))
}

/** A model that is named as the command line names models. */
export async function loadAncestor(name: string, report?: Reporter, registry?: Registry) {
  if (name === 'embedded') return loadModel(await readAncestor(), { name: 'the embedded ancestor' })
  return loadViT(await modelFile(name), { report, parts: registry })
}

/** Tells an ancestor from others: a hash of its file; of a folder or an address, the name. */
export async function fingerprintOf(name: string): Promise<string> {
  const bytes = name === 'embedded' ? await readAncestor() : await readFile(await modelFile(name)).catch(() => undefined)
  return bytes ? createHash('sha256').update(bytes).digest('hex') : name
}
