import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import { checkPictures, imageSource, subset } from '@learngene/datasets'
import { loadFashionMnist } from '@learngene/datasets/node'
import { loadTest } from '@learngene/fashion-mnist'
import type { Dataset, RawImage, Reporter } from '@learngene/interfaces'
import { type Evaluation, evaluate, evaluateCascade } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { takeFastestBackend } from '../fastest-backend.js'
import { interruptible } from '../interruptible.js'
import { disposeClassifier, isCascade, networkOf } from '../predict/classifier.js'
import { type ModelInput, modelInput, preparedPictures, requireClassifier } from '../predict/model-input.js'
import { formatCount, formatShare, listed, quoted, textTable } from '../report/text.js'
import { startBackend } from '../start-backend.js'
import { labelledFolder } from './labelled-folder.js'
import { loadClassifierAt } from './load-model.js'

export interface EvaluateOptions {
  readonly model: string
  readonly images?: string
  readonly dataDir?: string
  readonly limit?: number
  readonly batchSize: number
  readonly skipUnreadable?: boolean
  /** See {@link loadModelAt}. */
  readonly config?: string
  readonly seed: number
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What a model makes of labelled images. */
export interface ModelEvaluation extends Evaluation {
  readonly model: string
  /** The folder of the images, or the name of the dataset. */
  readonly dataset: string
  /** The same as `top1`. */
  readonly accuracy: number
  /** Classes without an image. */
  readonly missing: readonly string[]
  /** Pictures that were left out. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[]
  /** Of a cascade: the share of images that its large network answered, and mean MACs. */
  readonly passedOn?: number
  readonly macs?: number
  /** The command that is useful next. */
  readonly next: string
}

/** Bytes of checked pictures that are kept, so that they need not be decoded again: 7,000 pictures of 224 x 224 x 3. */
const KEPT = 2 ** 30

/** Classes in the table; of more the weakest. */
const MOST_CLASSES = 25

/** Confusions that are told. */
const MOST_CONFUSIONS = 5

/** Labelled images of a model's classes. */
interface Labelled {
  readonly dataset: Dataset
  readonly missing: readonly string[]
  /** Where the pictures of a class are. */
  folderOf?(label: number): string
}

/**
 * Evaluates a model on a folder of labelled pictures, or on test images of Fashion-MNIST.
 *
 * @throws when the model or the images cannot be read, the model has no classifier or does not say how its images are prepared, or the images show other classes
 */
export async function evaluateModel(options: EvaluateOptions, report: Reporter, signal: AbortSignal): Promise<ModelEvaluation> {
  const { limit, seed, batchSize } = options
  await startBackend(options.backend)
  const { classifier, details, address } = await loadClassifierAt(options.model, { config: options.config, report, signal })
  try {
    const network = networkOf(classifier)
    requireClassifier(network, address)
    const input = modelInput({ network, details }, address)
    const model = { name: address, classNames: input.classNames, classes: network.head.classes }
    const { dataset, missing, folderOf } = await labelledImages(options, model, report)
    const drawn = createRng(seed).permutation(dataset.length)
    const chosen = subset(dataset, limit === undefined ? drawn.sort() : drawn.subarray(0, limit).sort())
    const pictures = remembering(preparedPictures(chosen, input))
    const { readable, unreadable } = folderOf ? await checked(pictures, options, report, signal) : { readable: pictures, unreadable: [] }
    const source = interruptible(imageSource(readable, normalisationOf(input), { memoryLimit: 0 }), signal)
    const total = source.length
    await takeFastestBackend(options.backend, { network, batch: Math.min(batchSize, total), calls: total / batchSize }, report)
    report({ kind: 'stage', name: `evaluate on ${dataset.name}`, total })
    const onBatch = (done: number) => report({ kind: 'progress', done: Math.min(done * batchSize, total), total })
    const how = { batchSize, onBatch, signal }
    const evaluation = isCascade(classifier)
      ? await evaluateCascade(classifier, source, how)
      : (await evaluate([classifier], source, how))[0]!
    const [worst] = confusionsOf(evaluation.confusion)
    const next =
      worst && folderOf
        ? `npx learngene classify ${quoted(address)} ${quoted(folderOf(worst.label))} --top 2`
        : `npx learngene ${isCascade(classifier) ? 'serve' : 'verify --model'} ${quoted(address)}`
    return { model: address, dataset: dataset.name, accuracy: evaluation.top1, ...evaluation, missing, unreadable, next }
  } finally {
    disposeClassifier(classifier)
  }
}

/** An evaluation for people. */
export function evaluationText({
  accuracy,
  images,
  dataset,
  top5,
  calibrationError,
  perClass,
  confusion,
  passedOn,
  macs,
}: ModelEvaluation): string {
  const among5 = perClass.length > 5 ? `; ${formatShare(top5)} have their class among the 5 likeliest` : ''
  const shown = perClass.filter((each) => each.accuracy !== null).sort((a, b) => a.accuracy! - b.accuracy!)
  const rows = shown.slice(0, MOST_CLASSES).map((each) => [each.class, String(each.images), formatShare(each.accuracy!)])
  const worst = confusionsOf(confusion).slice(0, MOST_CONFUSIONS)
  const confusions = worst.map(({ label, predicted, count }) => {
    const [shows, named] = [perClass[label]!, perClass[predicted]!]
    return `${count} of ${shows.images} '${shows.class}' are taken for '${named.class}'`
  })
  return [
    `${formatShare(accuracy)} of ${images} images of ${dataset} are right${among5}`,
    ...(passedOn === undefined
      ? []
      : [`${formatShare(passedOn)} of them went on to the large network: ${formatCount(macs!)} MACs on average`]),
    `calibration error ${formatShare(calibrationError)}: how far its probabilities are, on average, from the share that is right`,
    '',
    ...(shown.length > MOST_CLASSES ? [`the ${MOST_CLASSES} weakest of ${shown.length} classes (--json tells all):`] : []),
    textTable(['class', 'images', 'right'], rows, ['left', 'right', 'right']),
    '',
    confusions.length > 0 ? `most often confused: ${confusions.join('; ')}` : 'nothing is confused',
  ].join('\n')
}

/** Pairs of classes by how often the first is taken for the second. */
function confusionsOf(confusion: ModelEvaluation['confusion']) {
  return confusion
    .flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })))
    .filter(({ label, predicted, count }) => label !== predicted && count > 0)
    .sort((a, b) => b.count - a.count)
}

const normalisationOf = ({ preprocessing: { mean, std } }: ModelInput) => ({ mean, std })

type Model = Parameters<typeof labelledFolder>[1]

async function labelledImages({ images, dataDir }: EvaluateOptions, model: Model, report: Reporter): Promise<Labelled> {
  if (images !== undefined) {
    const { folders, ...labelled } = await labelledFolder(images, model, report)
    return { ...labelled, folderOf: (label) => join(images, folders.get(label)!) }
  }
  const dataset = dataDir === undefined ? await loadTest() : (await loadFashionMnist(dataDir)).test
  const { name, classNames, classes } = model
  if (classes !== dataset.classes.length || (classNames && classNames.join() !== dataset.classes.join())) {
    const first = (names: readonly string[]) => `(${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`
    throw new Error(
      `${name} tells ${classes} classes apart${classNames ? ` ${first(classNames)}` : ''}; ${dataset.name} has ${dataset.classes.length} ${first(dataset.classes)}: name a folder of labelled pictures with --images`,
    )
  }
  if (!classNames) report({ kind: 'message', text: `${name} names no classes: they are taken to be those of ${dataset.name}` })
  return { dataset, missing: [] }
}

/** The pictures that can be read. @throws where there are others, unless they may be skipped, naming them */
async function checked(pictures: Dataset, { skipUnreadable }: EvaluateOptions, report: Reporter, signal: AbortSignal) {
  report({ kind: 'stage', name: `read the pictures of ${pictures.name}`, total: pictures.length })
  const unreadable = (await checkPictures(pictures, { report, signal })).map(({ index, name, reason }) => ({
    index,
    file: name,
    reason: reason.startsWith(`${name}: `) ? reason.slice(name.length + 2) : reason,
  }))
  if (unreadable.length === 0) return { readable: pictures, unreadable: [] }
  const names = listed(
    unreadable.map(({ file, reason }) => `${file}: ${reason}`),
    '; ',
  )
  const count = `${unreadable.length} of ${pictures.length} pictures of ${pictures.name}`
  if (unreadable.length === pictures.length) throw new Error(`some pictures of ${pictures.name} must be readable; none is: ${names}`)
  if (!skipUnreadable)
    throw new Error(`${count} cannot be read: ${names}; mend or remove them, or leave such pictures out with --skip-unreadable`)
  report({ kind: 'message', text: `left out ${count}, which cannot be read: ${names}` })
  const leftOut = new Set(unreadable.map(({ index }) => index))
  const readable = Array.from({ length: pictures.length }, (_, i) => i).filter((i) => !leftOut.has(i))
  return { readable: subset(pictures, readable), unreadable: unreadable.map(({ file, reason }) => ({ file, reason })) }
}

/** Keeps pictures that took time to read, as long as there is room. */
function remembering(dataset: Dataset): Dataset {
  const kept = new Map<number, RawImage>()
  let bytes = 0
  const keep = (picture: RawImage, index: number): RawImage => {
    if (!kept.has(index) && bytes + picture.data.byteLength <= KEPT) {
      kept.set(index, picture)
      bytes += picture.data.byteLength
    }
    return picture
  }
  return {
    ...dataset,
    picture(index, signal) {
      const found = kept.get(index) ?? dataset.picture(index, signal)
      return 'then' in found ? found.then((picture) => keep(picture, index)) : found
    },
  }
}
