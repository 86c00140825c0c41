import { stat } from 'node:fs/promises'
import type { BackendName } from '@learngene/backends'
import { decodeImage, findImages } from '@learngene/datasets/node'
import { classes as fashionClasses } from '@learngene/fashion-mnist'
import type { Reporter } from '@learngene/interfaces'
import { oneLine } from '../errors.js'
import { takeFastestBackend } from '../fastest-backend.js'
import { type Classifier, disposeClassifier, isCascade, networkOf } from '../predict/classifier.js'
import { classifyPrepared, type Prediction } from '../predict/classify.js'
import { type ModelInput, modelInput, requireClassifier } from '../predict/model-input.js'
import { formatShare, listed, quoted, textTable } from '../report/text.js'
import { startBackend } from '../start-backend.js'
import { isLabelled } from './labelled-folder.js'
import { loadClassifierAt } from './load-model.js'

export interface ClassifyOptions {
  readonly model: string
  /** Images, and folders of images. */
  readonly files: readonly string[]
  readonly top: number
  /** See {@link loadModelAt}. */
  readonly config?: string
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
  readonly quiet?: boolean
}

export interface ClassifiedFile {
  readonly file: string
  /** The likeliest classes, the likeliest first. */
  readonly top: readonly Prediction[]
}

export interface UnreadableFile {
  readonly file: string
  readonly reason: string
}

/** All of them in the order of the files. */
export interface Classified {
  readonly predictions: readonly ClassifiedFile[]
  readonly unreadable: readonly UnreadableFile[]
  /** The command that is useful next. */
  readonly next: string
}

/** Pictures that `classifyPrepared` runs at once. */
const BATCH = 32

/** Pictures that are decoded before they are asked for: more than sharp has threads, few enough that large photographs fit into memory. */
const AHEAD = 8

/**
 * Classifies image files and folders of them. What cannot be read is told in the result.
 *
 * @throws when the model cannot be loaded, has no classifier or does not say how its images are prepared
 */
export async function classifyFiles(
  { model, files, top, config, backend }: Pick<ClassifyOptions, 'model' | 'files' | 'top' | 'config' | 'backend'>,
  report: Reporter,
  signal: AbortSignal,
): Promise<Classified> {
  const found = (await Promise.all(files.map(filesAt))).flat()
  const faults = found.flatMap((one) => ('reason' in one ? [one] : []))
  if (faults.length === found.length) return { predictions: [], unreadable: faults, next: '' }
  await startBackend(backend)
  const { classifier, details, address } = await loadClassifierAt(model, { config, report, signal })
  try {
    const network = networkOf(classifier)
    requireClassifier(network, address)
    const input = modelInput({ network, details }, address)
    const total = found.length
    await takeFastestBackend(backend, { network, batch: Math.min(BATCH, total), calls: total / BATCH }, report)
    report({ kind: 'stage', name: `classify ${total} ${total === 1 ? 'picture' : 'pictures'}`, total })
    const classified: string[] = []
    const unreadable: UnreadableFile[] = []
    async function* pictures() {
      let done = 0
      for await (const each of inTurn(found, (one) => read(one, input))) {
        signal.throwIfAborted()
        if ('reason' in each) unreadable.push(each)
        else {
          classified.push(each.file)
          yield each.picture
        }
        report({ kind: 'progress', done: ++done, total })
      }
    }
    const tops = await classifyPrepared(classifier, input, pictures(), { top, report, signal })
    const predictions = classified.map((file, i) => ({ file, top: tops[i]! }))
    return { predictions, unreadable, next: await nextAfter(address, files, input, classifier) }
  } finally {
    disposeClassifier(classifier)
  }
}

/** A file's name beside its likeliest class only. */
export function predictionsTable(predictions: readonly ClassifiedFile[]): string {
  const rows = predictions.flatMap(({ file, top }) =>
    top.map((each, i) => [i === 0 ? file : '', each.class, formatShare(each.probability)] as const),
  )
  return textTable(['file', 'class', 'probability'], rows, ['left', 'left', 'right'])
}

/** @throws naming the files that cannot be read */
export function requireAllReadable({ unreadable, predictions }: Classified): void {
  if (unreadable.length === 0) return
  const names = unreadable.map(({ file, reason }) => `${file}: ${reason}`)
  const count = `${unreadable.length} of ${unreadable.length + predictions.length} ${unreadable.length === 1 ? 'is' : 'are'} not`
  const others = predictions.length > 0 ? '; the others are classified' : ''
  throw new Error(`all pictures must be readable; ${count}: ${listed(names, '; ')}${others}`)
}

/** The pictures that an argument names, and what is wrong with it or with folders in it. */
async function filesAt(file: string): Promise<readonly ({ readonly file: string } | UnreadableFile)[]> {
  try {
    if (!(await stat(file)).isDirectory()) return [{ file }]
    const { paths, faults } = await findImages(file)
    return [...paths.map((path) => ({ file: path })), ...faults.map(({ path, reason }) => ({ file: path, reason }))]
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return [{ file, reason: missing ? 'there is no such file' : reasonOf(file, error) }]
  }
}

async function read(one: { readonly file: string } | UnreadableFile, { prepare }: ModelInput) {
  if ('reason' in one) return one
  const { file } = one
  try {
    return { file, picture: prepare(await decodeImage(file)) }
  } catch (error) {
    return { file, reason: reasonOf(file, error) }
  }
}

/** Without the file's name, which stands before it. */
function reasonOf(file: string, error: unknown): string {
  const line = oneLine(error)
  return line.startsWith(`${file}: `) ? line.slice(file.length + 2) : line
}

/** Works on the next few at once; gives the results in order. @param work never rejects */
async function* inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = []
  for (const i of items.keys()) {
    while (underWay.length < AHEAD && i + underWay.length < items.length) underWay.push(work(items[i + underWay.length]!))
    yield await underWay.shift()!
  }
}

/** How good the model is where pictures with labels are at hand, else what it is. */
async function nextAfter(address: string, files: readonly string[], { classNames }: ModelInput, classifier: Classifier): Promise<string> {
  for (const file of classNames ? files : []) {
    const labelled = await isLabelled(file, classNames!).catch(() => false)
    if (labelled) return `npx learngene evaluate ${quoted(address)} --images ${quoted(file)}`
  }
  const isOfFashion = classNames?.join() === fashionClasses.join()
  if (isOfFashion) return `npx learngene evaluate ${quoted(address)}`
  return isCascade(classifier) ? `npx learngene serve ${quoted(address)}` : `npx learngene verify --model ${quoted(address)}`
}
