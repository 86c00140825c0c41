import { dirname } from 'node:path'
import { type Cut, cut, orderDetails, refine } from '@learngene/inherit'
import type { Cost, JsonObject, Reporter } from '@learngene/interfaces'
import { cachedTeacher, trainNetwork } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { costOf, disposeNetwork, type Network, type PartRegistry, saveModel } from '@learngene/vit-blocks'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import { assertModelReplaceable } from '../assert-model-replaceable.js'
import { type Ancestor, type CutOptions, rotatedModels, withAncestor } from './ancestor.js'
import {
  type Candidate,
  candidatesWithin,
  type ModelSize,
  requireFeasible,
  requireHeads,
  sizeWithin,
  usualDepths,
  usualWidths,
} from './sizes.js'

/** A size with what it costs and keeps; null where no images judged it, or they have no labels. */
export interface SizeRow extends ModelSize, Cost {
  readonly keptEnergy: number
  readonly divergence: number | null
  readonly accuracy: number | null
}

/** A size that was tried under a budget. */
export interface Finalist extends ModelSize, Cost {
  readonly predictedDivergence: number
  /** Null where there were no images to measure by. */
  readonly divergence: number | null
}

export interface WrittenFile {
  readonly file: string
  readonly bytes: number
}

/** What all results tell. */
interface Common {
  readonly ancestor: SizeRow
  /** Which images judged, and how many. */
  readonly judged: { readonly images: string; readonly count: number } | null
  readonly rotated: WrittenFile | null
}

export interface SizesReport extends Common {
  readonly fitted: boolean
  readonly sizes: readonly SizeRow[]
  /** Blocks in the order in which they can go, with the divergence after each. */
  readonly drops: readonly { readonly block: number; readonly divergence: number }[]
}

export interface CutReport extends Common, SizeRow, WrittenFile {
  readonly standsFor: readonly number[]
  readonly fitted: boolean
  readonly epochs: number
  /** Before any training; the same as `divergence` and `accuracy` without any. */
  readonly untrained: { readonly divergence: number | null; readonly accuracy: number | null }
  readonly chosen: { readonly candidates: number; readonly judged: Common['judged']; readonly finalists: readonly Finalist[] } | null
}

/** Sizes under a budget that are cut and measured. */
const FINALISTS = 3

/** Of the distillation after the cut. */
const LEARNING_RATE = 5e-4
const TRAINING_BATCH = 64

/** The files that `--out` may write over. */
const cutModels = { name: 'model that was cut', key: 'cutFrom' }

/**
 * The table of sizes, cut but not written.
 *
 * @throws as `withAncestor`, and when a width or depth is not one of the ancestor's
 */
export async function listSizes(options: CutOptions, report: Reporter, signal: AbortSignal): Promise<SizesReport> {
  await requireReplaceable(options)
  const fitted = options.fit === true
  const sizesFor = (ancestor: ModelSize): ModelSize[] => {
    const heads = options.heads ?? ancestor.heads
    const { widths = usualWidths({ ...ancestor, heads }), depths = usualDepths(ancestor) } = options
    return depths.flatMap((depth) => widths.map((width) => sizeWithin(ancestor, { width, depth, heads })))
  }
  const plan = (ancestor: ModelSize) => {
    sizesFor(ancestor)
    return { ordered: true, calibrated: fitted }
  }
  return withAncestor(options, plan, report, signal, async (ancestor) => {
    const { rotated, parts, judge, images, calibrating } = ancestor
    const sizes = sizesFor(ancestor.size)
    const rows: SizeRow[] = []
    report({ kind: 'stage', name: `${fitted ? 'fit and ' : ''}measure ${sizes.length} sizes`, total: sizes.length })
    for (const size of sizes) {
      const made = cut(rotated, size, { parts })
      try {
        if (fitted) await refine(rotated, made, images!.source, { indices: calibrating, signal })
        rows.push({ ...size, ...costOf(made.network), keptEnergy: made.keptEnergy, ...(await judged(ancestor, made.network)) })
      } finally {
        disposeNetwork(made.network)
      }
      report({ kind: 'progress', done: rows.length, total: sizes.length })
    }
    const { drops } = rotated.order
    return { ...common(ancestor), judged: judgedBy(judge), rotated: await writeRotated(ancestor, options), fitted, sizes: rows, drops }
  })
}

/**
 * Writes a model in principal order, so that every size can be cut later from the one file.
 *
 * @throws as `withAncestor`, and when the file is somebody else's
 */
export async function rotateModel(
  options: CutOptions,
  report: Reporter,
  signal: AbortSignal,
): Promise<Common & { readonly rotated: WrittenFile }> {
  await requireReplaceable(options)
  const plan = () => ({ ordered: true, calibrated: false })
  return withAncestor(options, plan, report, signal, async (ancestor) => ({
    ...common(ancestor),
    rotated: (await writeRotated(ancestor, options))!,
  }))
}

/**
 * Cuts a smaller model out of a model and writes it.
 *
 * @throws as `withAncestor`; when the size is not within the ancestor's; InfeasibleBudgetError; when the file is somebody else's
 */
export async function cutModel(options: CutOptions & { readonly out: string }, report: Reporter, signal: AbortSignal): Promise<CutReport> {
  await requireReplaceable(options)
  const { out, budget, epochs = 0, fit = true } = options
  const plan = async (ancestor: ModelSize, network: Network, parts?: PartRegistry) => {
    const calibrated = fit || epochs > 0
    if (budget) {
      const { heads = ancestor.heads } = options
      requireHeads(ancestor, heads)
      await requireFeasible(network, budget, heads, parts)
      return { ordered: true, calibrated }
    }
    const { depth } = sizeWithin(ancestor, wantedSize(options))
    return { ordered: options.rotated !== undefined || depth < ancestor.depth, calibrated }
  }
  return withAncestor(options, plan, report, signal, async (ancestor) => {
    const labelWeight = labelWeightFor(options, ancestor)
    const { made, size, chosen } = budget
      ? await cutWithin(ancestor, options, report, signal)
      : await cutTo(ancestor, sizeWithin(ancestor.size, wantedSize(options)), fit, report, signal)
    try {
      const untrained = await judged(ancestor, made.network)
      if (epochs > 0) await distil(ancestor, made.network, { epochs, labelWeight, seed: options.seed }, report, signal)
      const figures = epochs > 0 ? await judged(ancestor, made.network) : untrained
      const { heads, width, depth } = ancestor.size
      const { standsFor } = made
      const cutFrom = { model: options.model, width, depth, heads, standsFor: [...standsFor], fitted: fit, epochs }
      const written = await write(out, made.network, { ...ancestor.details, cutFrom }, options)
      const rotated = await writeRotated(ancestor, options)
      const cost = costOf(made.network)
      const kept = { keptEnergy: made.keptEnergy, ...figures }
      return { ...written, ...size, ...cost, ...kept, standsFor, fitted: fit, epochs, untrained, chosen, ...common(ancestor), rotated }
    } finally {
      disposeNetwork(made.network)
    }
  })
}

/** One size, cut and fitted. */
async function cutTo(
  { rotated, parts, images, calibrating }: Ancestor,
  size: ModelSize,
  fit: boolean,
  report: Reporter,
  signal: AbortSignal,
) {
  const made = cut(rotated, size, { parts })
  try {
    if (fit) await refine(rotated, made, images!.source, { indices: calibrating, report, signal })
    return { made, size, chosen: null }
  } catch (error) {
    disposeNetwork(made.network)
    throw error
  }
}

/** Of the sizes within a budget the one with the least measured divergence, among the few with the least predicted one. */
async function cutWithin(ancestor: Ancestor, options: CutOptions, report: Reporter, signal: AbortSignal) {
  const { rotated, parts } = ancestor
  const { fit = true, heads = ancestor.size.heads } = options
  const candidates = await candidatesWithin(rotated.network, rotated.order, options.budget!, heads, parts)
  const choosing = await ancestor.choosing()
  const tried: { made: Cut; finalist: Finalist; size: ModelSize }[] = []
  try {
    for (const candidate of candidates.slice(0, FINALISTS)) {
      const { made, size } = await cutTo(ancestor, candidate.size, fit, report, signal)
      tried.push({ made, size, finalist: finalistOf(candidate, null) })
      if (!choosing) break
      const { divergence } = await choosing(made.network)
      tried[tried.length - 1] = { made, size, finalist: finalistOf(candidate, divergence) }
    }
  } catch (error) {
    for (const { made } of tried) disposeNetwork(made.network)
    throw error
  }
  tried.sort((a, b) => (a.finalist.divergence ?? 0) - (b.finalist.divergence ?? 0) || a.finalist.macs - b.finalist.macs)
  const [best, ...others] = tried
  for (const { made } of others) disposeNetwork(made.network)
  const measured = tried.map(({ finalist }) => finalist)
  const finalists = choosing ? measured : candidates.slice(0, FINALISTS).map((candidate) => finalistOf(candidate, null))
  return { ...best!, chosen: { candidates: candidates.length, judged: judgedBy(choosing), finalists } }
}

function finalistOf({ size, cost, predicted }: Candidate, divergence: number | null): Finalist {
  return { ...size, ...cost, predictedDivergence: predicted, divergence }
}

/** Trains a cut on all images, taught by the ancestor's logits and, where they have any, by their labels. */
async function distil(
  { rotated, images }: Ancestor,
  network: Network,
  { epochs, labelWeight, seed }: { readonly epochs: number; readonly labelWeight: number; readonly seed: number },
  report: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const { source } = images!
  const onBatch = (done: number, total: number) => report({ kind: 'progress', done, total })
  report({ kind: 'stage', name: `ask the ancestor about ${source.length} images` })
  const teacher = await cachedTeacher(rotated.network, [], source, { batchSize: 32, onBatch })
  report({ kind: 'stage', name: `distil for ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}` })
  const batchSize = Math.min(TRAINING_BATCH, source.length)
  const plan = { epochs, batchSize, learningRate: LEARNING_RATE, teacher, labelWeight, report, signal }
  await trainNetwork(network, source, plan, createRng(seed))
}

/** The labels' share of the loss: 0 where there are none. */
function labelWeightFor({ labelWeight }: CutOptions, { images }: Ancestor): number {
  if (images?.labelled) return labelWeight ?? 0.1
  if (labelWeight !== undefined && labelWeight > 0) {
    throw new Error(
      `--label-weight needs images whose subfolders are the model's classes; those of ${images?.name ?? 'this model'} have no such labels`,
    )
  }
  return 0
}

function wantedSize({ width, blocks: depth, heads }: CutOptions): Partial<ModelSize> {
  return { width, depth, heads }
}

async function judged({ judge }: Ancestor, network: Network): Promise<Pick<SizeRow, 'divergence' | 'accuracy'>> {
  return judge ? judge(network) : { divergence: null, accuracy: null }
}

function judgedBy(judge: Ancestor['judge']): Common['judged'] {
  return judge ? { images: judge.images, count: judge.count } : null
}

function common({ rotated: { network }, size, judge }: Ancestor): Omit<Common, 'rotated'> {
  const { divergence, accuracy } = judge?.ancestor ?? { divergence: null, accuracy: null }
  return { ancestor: { ...size, ...costOf(network), keptEnergy: 1, divergence, accuracy }, judged: judgedBy(judge) }
}

async function requireReplaceable({ out, rotated, force = false }: CutOptions): Promise<void> {
  if (force) return
  if (out !== undefined) await assertModelReplaceable(out, cutModels)
  if (rotated !== undefined) await assertModelReplaceable(rotated, rotatedModels)
}

async function writeRotated({ rotated: { network, order }, details }: Ancestor, options: CutOptions): Promise<WrittenFile | null> {
  const { rotated } = options
  return rotated === undefined ? null : write(rotated, network, { ...details, ...orderDetails(order) }, options)
}

async function write(file: string, network: Network, details: JsonObject, { dtype }: CutOptions): Promise<WrittenFile> {
  const bytes = await saveModel(network, { dtype: dtype === 'f16' ? 'F16' : 'F32', details })
  await makeFolder(dirname(file))
  await writeFileAtomically(file, bytes)
  return { file, bytes: bytes.length }
}
