import type { BackendName } from '@learngene/backends'
import { blockOrder, orderDetails, type Rotated, rotate, rotatedFrom } from '@learngene/inherit'
import type { Budget, JsonObject, Reporter } from '@learngene/interfaces'
import { createRng } from '@learngene/training'
import { disposeNetwork, type Network, type PartRegistry } from '@learngene/vit-blocks'
import { startBackend } from '../../start-backend.js'
import { loadModelAt } from '../load-model.js'
import { createJudge, type Judge } from './judge.js'
import { embeddedImages, folderImages, type ModelImages } from './model-images.js'
import { type ModelSize, requireCuttable, sizeOf } from './sizes.js'

/** What the command is told. */
export interface CutOptions {
  readonly model: string
  readonly images?: string
  readonly test?: string
  readonly width?: number
  readonly blocks?: number
  readonly heads?: number
  readonly budget?: Budget
  readonly out?: string
  readonly rotated?: string
  readonly fit?: boolean
  readonly epochs?: number
  readonly labelWeight?: number
  readonly list?: boolean
  readonly widths?: readonly number[]
  readonly depths?: readonly number[]
  readonly calibration: number
  readonly limit: number
  readonly dtype: 'f32' | 'f16'
  readonly force?: boolean
  /** See {@link loadModelAt}. */
  readonly config?: string
  readonly seed: number
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
  readonly quiet?: boolean
}

/** A model in principal order, with the images that it is cut and judged by. */
export interface Ancestor {
  readonly rotated: Rotated
  /** Factories of its own kinds of parts. */
  readonly parts?: PartRegistry
  readonly size: ModelSize
  /** Of its file, without the order. */
  readonly details: JsonObject
  /** Images to calibrate by; none where the file held the order and no images were given. */
  readonly images?: ModelImages
  /** Which of them calibrate. */
  readonly calibrating: readonly number[]
  /** Judges by test images where there are any, else as `choosing`. */
  readonly judge?: Judge
  /** Judges by images that do not calibrate, where there are enough of them; never by test images. */
  readonly choosing: () => Promise<Judge | undefined>
}

/** What is to be made of a model. */
export interface Needs {
  /** The order in which blocks can go. */
  readonly ordered: boolean
  /** Images, even where the model is in principal order. */
  readonly calibrated: boolean
}

const [ORDER_KEY] = Object.keys(orderDetails({ energies: [], drops: [] })) as [string]

/** The files that `--rotated` may write over. */
export const rotatedModels = { name: 'rotated model', key: ORDER_KEY }

/** With fewer images beside those that calibrate, these judge. */
const FEWEST_JUDGING = 32

/**
 * Loads a model, writes it in principal order unless its file holds it so, and lends it to `use`.
 *
 * @param plan what a model of this size needs; throws where what is wanted cannot be cut out of it
 */
export async function withAncestor<T>(
  options: CutOptions,
  plan: (size: ModelSize, network: Network, parts?: PartRegistry) => Needs | Promise<Needs>,
  report: Reporter,
  signal: AbortSignal,
  use: (ancestor: Ancestor) => Promise<T>,
): Promise<T> {
  const { model, limit, calibration, seed } = options
  await startBackend(options.backend)
  const loaded = await loadModelAt(model, { config: options.config, report, signal })
  let { network } = loaded
  try {
    const parts = loaded.registry
    requireCuttable(model, network)
    const size = sizeOf(network)
    const needs = await plan(size, network, parts)
    const found = rotatedFrom(loaded)
    // A descendant's path in its pool is not that of what is cut out of it.
    const { [ORDER_KEY]: _order, path: _path, ...details } = loaded.details
    const { images, test } = await imagesFor(options, { ...loaded, name: model, details }, signal)
    const complete = found && !(needs.ordered && found.order.drops.length < size.depth - 1)
    if (!images && (needs.calibrated || !complete)) {
      throw new Error(`${model} needs images to be cut by: name a folder of some hundred with --images, labelled or not`)
    }
    const { calibrating, others } = split(images?.source.length ?? 0, calibration, seed)
    const watching = { indices: calibrating, report, signal }
    const rotated = found ?? (await rotate(network, images!.source, { ...watching, blockOrder: false, parts }))
    if (rotated.network !== network) disposeNetwork(network)
    network = rotated.network
    const { energies } = rotated.order
    const drops = complete || !needs.ordered ? rotated.order.drops : await blockOrder(network, images!.source, watching)
    report({ kind: 'stage', name: 'run the ancestor on the images that judge' })
    const byOthers = async () => {
      return images && createJudge(network, images, others.length < FEWEST_JUDGING ? calibrating : evenly(others, limit))
    }
    const judge = test ? await createJudge(network, test, evenly(range(test.source.length), limit)) : await byOthers()
    const choosing = test ? byOthers : async () => judge
    return await use({ rotated: { network, order: { energies, drops } }, parts, size, details, images, calibrating, judge, choosing })
  } finally {
    disposeNetwork(network)
  }
}

/** The images of the folders that are named; where none is, those that come with the model. */
async function imagesFor({ images, test }: CutOptions, model: Parameters<typeof folderImages>[1], signal: AbortSignal) {
  const embedded = images === undefined ? await embeddedImages(model, signal) : undefined
  return {
    images: images === undefined ? embedded?.images : await folderImages(images, model, signal),
    test: test === undefined ? embedded?.test : await folderImages(test, model, signal),
  }
}

/** One image that calibrates from each of so many equal stretches, drawn by the seed, and all others. */
function split(length: number, calibration: number, seed: number) {
  const count = Math.min(calibration, length)
  const rng = createRng(seed)
  const calibrating = Array.from({ length: count }, (_, i) => {
    const [start, end] = [Math.floor((i * length) / count), Math.floor(((i + 1) * length) / count)]
    return start + rng.integer(end - start)
  })
  const taken = new Set(calibrating)
  return { calibrating, others: range(length).filter((index) => !taken.has(index)) }
}

function evenly(indices: readonly number[], most: number): number[] {
  const count = Math.min(most, indices.length)
  return Array.from({ length: count }, (_, i) => indices[Math.floor((i * indices.length) / count)]!)
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}
