import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { BackendName } from '@learngene/backends'
import { measureLatency } from '@learngene/budget-search'
import type { Cost, JsonObject, Preprocessing, RawImage, Reporter } from '@learngene/interfaces'
import { disposePool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { costOfCascade, descendantOf, parsePath } from '@learngene/stitch'
import { costOf } from '@learngene/vit-blocks'
import { loadClassifierAt } from '../commands/load-model.js'
import { type Classifier, disposeClassifier, isCascade, networkOf } from '../predict/classifier.js'
import { classifyPrepared, type Prediction } from '../predict/classify.js'
import { type ModelInput, modelInput, requireClassifier } from '../predict/model-input.js'
import { poolOfRun, readRun } from '../read-run.js'
import { registryOfRun } from '../run/own-values.js'
import { exists, REPORT, RUN } from '../run/run-folder.js'
import { startBackend } from '../start-backend.js'

/** A model that can be asked. */
export interface ServedModel extends Cost {
  /** In a run its path, else the address. */
  readonly name: string
  /** Of the run; null where there is none. */
  readonly validationAccuracy: number | null
  readonly testAccuracy: number | null
  /** Milliseconds for one picture alone, measured when the server started; null where it was not, as nothing but a cap on others could choose it. */
  readonly latency: number | null
}

/** What an engine says of itself; plain values that travel between threads. */
export interface EngineFacts {
  readonly address: string
  readonly backend: string
  readonly models: readonly ServedModel[]
  /** Index of the one that answers where no budget is given. */
  readonly chosen: number
  readonly classNames: readonly string[] | null
  readonly preprocessing: Preprocessing
}

/** Loaded models that compute. */
export interface Engine extends EngineFacts {
  /**
   * @param pictures in the networks' size and channels
   * @returns for each the `top` likeliest classes
   */
  classify(model: number, pictures: readonly RawImage[], top: number): Promise<Prediction[][]>
  /** Resolves with the reason when the engine ends by itself, and can compute no longer. */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

export interface EngineOptions {
  /** The folder of a finished run, whose descendants share the pool's weights, or what `loadClassifierAt` takes. */
  readonly model: string
  readonly backend: BackendName | 'auto'
  readonly batchSize: number
}

/** Timed runs of each model; half the time goes into runs before, which let the backend compile. */
const RUNS = 5

interface Loaded {
  readonly address: string
  readonly models: readonly (Omit<ServedModel, 'latency'> & {
    readonly classifier: () => Classifier
    /** Whether it is timed at once. */
    readonly isTimed: boolean
  })[]
  readonly chosen: number
  readonly input: ModelInput
  dispose(): void
}

/**
 * Loads a model, or a run's pool with all its descendants, on this thread; what a budget may choose is run once in a full batch and timed on one picture.
 *
 * @throws when there is no such model or finished run, it has no classifier, or it does not say how its images are prepared
 */
export async function openEngine({ model, backend, batchSize }: EngineOptions, report: Reporter, signal: AbortSignal): Promise<Engine> {
  const used = await startBackend(backend)
  const loaded = (await isRun(model)) ? await loadRun(model, report) : await loadSingle(model, report, signal)
  try {
    const { address, chosen, input } = loaded
    const made = new Map<number, Classifier>()
    const classifierOf = (index: number): Classifier => {
      const classifier = made.get(index) ?? loaded.models[index]!.classifier()
      made.set(index, classifier)
      return classifier
    }
    const classify = (index: number, pictures: readonly RawImage[], top: number) =>
      classifyPrepared(classifierOf(index), input, inTurn(pictures), { top, batchSize: pictures.length })

    const timed = loaded.models.filter(({ isTimed }) => isTimed).length
    report({ kind: 'stage', name: `warm up ${timed === 1 ? 'the model' : `${timed} descendants`} on ${used.name}`, total: timed })
    const models: ServedModel[] = []
    let done = 0
    for (const [index, { classifier: _, isTimed, ...facts }] of loaded.models.entries()) {
      models.push({ ...facts, latency: isTimed ? await timeOf(index) : null })
      if (isTimed) report({ kind: 'progress', done: ++done, total: timed })
    }
    async function timeOf(index: number): Promise<number> {
      await setImmediate()
      signal.throwIfAborted()
      const blank = blankOf(input)
      if (index === chosen) await classify(index, Array(batchSize).fill(blank), 1)
      const { median } = await measureLatency(() => classify(index, [blank], 1), { warmup: 2, runs: RUNS })
      return median
    }

    const { preprocessing, classNames = null } = input
    const facts: EngineFacts = { address, backend: used.name, models, chosen, classNames, preprocessing }
    return {
      ...facts,
      classify,
      failed: new Promise(() => {}),
      close: async () => loaded.dispose(),
    }
  } catch (error) {
    loaded.dispose()
    throw error
  }
}

async function* inTurn(pictures: readonly RawImage[]): AsyncGenerator<RawImage> {
  yield* pictures
}

function blankOf({ preprocessing: { size, mean } }: ModelInput): RawImage {
  const [height, width] = size
  return { data: new Uint8Array(height * width * mean.length), height, width, channels: mean.length }
}

async function isRun(model: string): Promise<boolean> {
  return (await exists(join(model, RUN))) || exists(join(model, REPORT))
}

async function loadSingle(model: string, report: Reporter, signal: AbortSignal): Promise<Loaded> {
  const { classifier, details, address } = await loadClassifierAt(model, { report, signal })
  const dispose = () => disposeClassifier(classifier)
  try {
    const network = networkOf(classifier)
    requireClassifier(network, address)
    const input = modelInput({ network, details }, address)
    const facts = { name: address, validationAccuracy: null, testAccuracy: null, ...costOfClassifier(classifier, details) }
    return { address, models: [{ ...facts, classifier: () => classifier, isTimed: true }], chosen: 0, input, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Of a cascade for the share of images that its file says are passed on, else for the dearest image. */
function costOfClassifier(classifier: Classifier, { passedOn }: JsonObject): Cost {
  return isCascade(classifier) ? costOfCascade(classifier, typeof passedOn === 'number' ? passedOn : 1) : costOf(classifier)
}

/** The best by validation accuracy first; what no other exceeds at its MACs is timed, and the run's choice. */
async function loadRun(dir: string, report: Reporter): Promise<Loaded> {
  report({ kind: 'stage', name: `load the pool of ${dir}` })
  const found = await readRun(dir)
  const folder = await poolOfRun(dir, found)
  const own = await registryOfRun(dir)
  const pool = await loadPool(folder, { parts: own, spaces: own?.spaces })
  const dispose = () => disposePool(pool)
  try {
    const rows = [...found.descendants].sort((a, b) => b.validationAccuracy - a.validationAccuracy || a.macs - b.macs)
    const models = rows.map(({ path, macs, parameters, memory, validationAccuracy, testAccuracy, pareto }) => {
      const stitched = pool.space.find(parsePath(path))
      if (!stitched)
        throw new Error(`${dir}: its pool must have every path of its report; it has no ${path}: one of the two was changed or damaged`)
      return {
        ...{ name: path, macs, parameters, memory, validationAccuracy, testAccuracy },
        classifier: () => descendantOf(pool, stitched),
        isTimed: pareto || path === found.choice.path,
      }
    })
    const chosen = Math.max(0, models.findIndex(({ name }) => name === found.choice.path)) // biome-ignore format: short
    const network = networkOf(models[chosen]!.classifier())
    requireClassifier(network, dir)
    return { address: dir, models, chosen, input: modelInput({ network, details: pool.details }, dir), dispose }
  } catch (error) {
    dispose()
    throw error
  }
}
