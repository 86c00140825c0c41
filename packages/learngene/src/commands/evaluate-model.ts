import { setImmediate } from 'node:timers/promises'
import type { BackendName } from '@learngene/backends'
import { imageSource, preprocessingOf } from '@learngene/datasets'
import { loadFashionMnist } from '@learngene/datasets/node'
import { loadTest } from '@learngene/fashion-mnist'
import type { Dataset, JsonObject, Preprocessing, Reporter } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { accuracies } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { disposeNetwork, type Network, sidesOf } from '@learngene/vit-blocks'
import { loadModelFile } from '@learngene/vit-blocks/node'
import { startBackend } from '../start-backend.js'

export interface EvaluateOptions {
  readonly model: string
  readonly dataDir?: string
  readonly limit?: number
  readonly seed: number
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
}

const BATCH = 100

/**
 * The accuracy of a model file on test images.
 *
 * @throws when the file cannot be read, does not say how its images were normalised, or was made for other images or classes
 */
export async function evaluateModel(
  { model, dataDir, limit, seed, backend }: EvaluateOptions,
  report: Reporter,
  signal: AbortSignal,
): Promise<{ readonly accuracy: number; readonly images: number }> {
  const dataset = dataDir === undefined ? await loadTest() : (await loadFashionMnist(dataDir)).test
  await startBackend(backend)
  const { network, details } = await loadModelFile(model)
  try {
    const preprocessing = await checkFit(model, network, details, dataset)
    const drawn = createRng(seed).permutation(dataset.length)
    const indices = limit === undefined ? drawn.sort() : drawn.subarray(0, limit).sort()
    report({ kind: 'stage', name: `evaluate on ${dataset.name}`, total: indices.length })
    return { accuracy: await accuracyOn(network, imageSource(dataset, preprocessing), indices, report, signal), images: indices.length }
  } finally {
    disposeNetwork(network)
  }
}

async function accuracyOn(network: Network, source: ImageSource, indices: Uint32Array, report: Reporter, signal: AbortSignal) {
  let correct = 0
  for (let start = 0; start < indices.length; start += BATCH) {
    // The backend never returns to the event loop by itself, where Ctrl-C waits.
    await setImmediate()
    signal.throwIfAborted()
    const part = indices.subarray(start, start + BATCH)
    const [accuracy] = await accuracies([network], source, { indices: part, batchSize: BATCH })
    correct += Math.round(accuracy! * part.length)
    report({ kind: 'progress', done: start + part.length, total: indices.length })
  }
  return correct / indices.length
}

async function checkFit(file: string, { embedding, head }: Network, details: JsonObject, dataset: Dataset): Promise<Preprocessing> {
  const { imageSize, channels } = embedding.geometry
  const [rows, columns] = sidesOf(imageSize)
  const preprocessing = preprocessingIn(file, details, [rows, columns])
  const { height, width, channels: depth } = await dataset.picture(0)
  const asTheyCome = 'resize' in preprocessing && preprocessing.resize === 'none'
  const fits = !asTheyCome || (rows === height && columns === width)
  if (!fits || channels !== depth || preprocessing.mean.length !== depth) {
    throw new Error(
      `${file} takes images of ${rows} x ${columns} x ${channels} normalised in ${preprocessing.mean.length} channels; those of ${dataset.name} are ${height} x ${width} x ${depth}`,
    )
  }
  const { classNames } = details as { readonly classNames?: readonly string[] }
  const names = classNames ?? dataset.classes
  if (head.classes !== dataset.classes.length || names.join() !== dataset.classes.join()) {
    throw new Error(
      `${file} tells ${head.classes} classes apart${classNames ? ` (${classNames.slice(0, 3).join(', ')}, ...)` : ''}; ${dataset.name} has ${dataset.classes.length} (${dataset.classes.slice(0, 3).join(', ')}, ...)`,
    )
  }
  return preprocessing
}

function preprocessingIn(file: string, details: JsonObject, size: readonly [number, number]): Preprocessing {
  try {
    return preprocessingOf(details, size)
  } catch (error) {
    throw new Error(
      `${file} must say how its images are prepared, as models of 'learngene extract' do in their details: ${(error as Error).message}`,
    )
  }
}
