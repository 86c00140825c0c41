import { toTensor } from '@learngene/datasets'
import type { JsonObject, RawImage, Reporter } from '@learngene/interfaces'
import { nameBatch } from '@learngene/ops'
import type { Cascade } from '@learngene/stitch'
import { fixedBytes } from '@learngene/training'
import { describe, type Network, requireArguments, requireKeys } from '@learngene/vit-blocks'
import { type Classifier, networkOf, probabilitiesOf } from './classifier.js'
import { type ModelInput, modelInput, numberedClasses, requireClassifier } from './model-input.js'

/** A class that a picture may show. */
export interface Prediction {
  readonly class: string
  /** By softmax over all classes. */
  readonly probability: number
}

export interface ClassifyOptions {
  /** How many classes to name for each picture, the likeliest first; all where the model has fewer. Default 5. */
  readonly top?: number
  /** Pictures that run at once. Default 32. */
  readonly batchSize?: number
  /** Told in one message where the model names no classes. */
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

const OPTIONS = ['top', 'batchSize', 'report', 'signal'] as const satisfies readonly (keyof ClassifyOptions)[]

/** Pictures at hand, or that come one after the other: only as many as run at once are held, already in the network's size. */
export type Pictures = Iterable<RawImage | Promise<RawImage>> | AsyncIterable<RawImage>

/**
 * Names what pictures show. They are prepared as the model's details say, whatever their size: see `modelInput`. Classes are called by `details.classNames`, else 'class 0',
 * 'class 1' and so on.
 *
 * @param model of `loadModel` or `loadViT`; of `loadCascade`
 * @param pictures decoded ones: of `decodeBlob` in pages, of `decodeImage` in Node
 * @returns for each picture the `top` likeliest classes
 * @throws when the model has no classifier or does not say how its images are prepared, or a picture is none; OutOfMemoryError that names a batch which would fit
 */
export async function classify(
  model: ({ readonly network: Network } | { readonly cascade: Cascade }) & { readonly details: JsonObject },
  pictures: Pictures,
  options: ClassifyOptions = {},
): Promise<Prediction[][]> {
  const classifier = typeof model === 'object' && model !== null && 'cascade' in model ? model.cascade : model?.network
  const loaded = { network: classifier && networkOf(classifier), details: model?.details }
  requireArguments('classify', { model: ['loaded', classifier ? loaded : model] })
  requireKeys('classify', options, OPTIONS)
  if (!isIterable(pictures)) throw new Error(`classify: pictures must be a list of decoded pictures; got ${describe(pictures)}`)
  const input = modelInput(loaded as { network: Network; details: JsonObject }, 'classify: the model')
  return classifyPrepared(classifier!, input, prepared(pictures, input), options)
}

/** {@link classify} for pictures that are in the network's size and channels already. */
export async function classifyPrepared(
  classifier: Classifier,
  { preprocessing, classNames }: ModelInput,
  pictures: AsyncIterable<RawImage>,
  { top = 5, batchSize = 32, report, signal }: ClassifyOptions = {},
): Promise<Prediction[][]> {
  const network = networkOf(classifier)
  requireClassifier(network, 'classify: the model')
  for (const [name, value] of Object.entries({ top, batchSize }))
    if (!Number.isInteger(value) || value < 1) throw new Error(`classify: ${name} must be a positive integer; got ${describe(value)}`)
  const { classes } = network.head
  const names = classNames ?? numberedClasses(classes)
  if (!classNames) report?.({ kind: 'message', text: `the model names no classes: they are called 'class 0' to 'class ${classes - 1}'` })
  const [height, width] = preprocessing.size
  const found: Prediction[][] = []
  const run = async (batch: readonly RawImage[]) => {
    signal?.throwIfAborted()
    const pixels = new Uint8Array(batch.reduce((total, { data }) => total + data.length, 0))
    for (const [i, { data }] of batch.entries()) pixels.set(data, i * data.length)
    const images = toTensor(pixels, [batch.length, height, width, preprocessing.mean.length], preprocessing)
    const values = await probabilitiesOf(classifier, images) // [B, C]
      .then((probabilities) => probabilities.data<'float32'>().finally(() => probabilities.dispose()))
      .catch((error) => {
        throw nameBatch(error, batch.length, fixedBytes())
      })
      .finally(() => images.dispose())
    for (const i of batch.keys()) found.push(likeliest(values.subarray(i * classes, (i + 1) * classes), names, top))
  }
  let batch: RawImage[] = []
  for await (const picture of pictures) {
    batch.push(picture)
    if (batch.length < batchSize) continue
    await run(batch)
    batch = []
  }
  if (batch.length > 0) await run(batch)
  return found
}

/** Of classes that are equally likely the first ones. */
function likeliest(probabilities: Float32Array, names: readonly string[], top: number): Prediction[] {
  if (!probabilities.every(Number.isFinite))
    throw new Error("classify: the model's outputs must be finite numbers; they are not: are its weights damaged?")
  const order = Array.from(names.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
  return order.slice(0, top).map((i) => ({ class: names[i]!, probability: probabilities[i]! }))
}

async function* prepared(pictures: Pictures, { prepare }: ModelInput): AsyncGenerator<RawImage> {
  let index = 0
  for await (const picture of pictures) {
    try {
      yield prepare(picture)
    } catch (error) {
      throw new Error(`classify: pictures[${index}]: ${(error as Error).message}`, { cause: error })
    }
    index++
  }
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}
