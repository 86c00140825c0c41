import { basename, extname, join } from 'node:path'
import type { PartWriters } from '@learngene/export'
import { disposePool, extractDescendant, type Pool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { Registry } from '@learngene/recipe'
import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import { type CascadePaths, type ConfidenceName, cascade, formatCascade, formatPath, type Path } from '@learngene/stitch'
import { disposeNetwork, loadModel, type ModelDetails } from '@learngene/vit-blocks'
import { UsageError } from '../../errors.js'
import { type Classifier, isCascade } from '../../predict/classifier.js'
import { poolOfRun, readRun } from '../../read-run.js'
import { isAddress } from '../../run/absolute-names.js'
import { exists, REPORT } from '../../run/run-folder.js'
import { cascadeOfRun } from '../cascades-of-run.js'
import { type ExtractContext as Context, findInRun, findPath } from '../extract-from-run.js'
import { loadClassifierAt, registryOf } from '../load-model.js'
import { modelFileName } from '../model-file-name.js'
import type { CascadeRow } from '../run-rows.js'
import type { ExportOptions } from './formats.js'

/** What is to be exported. */
export interface Exported {
  /** A network, or a cascade of two. */
  readonly model: Classifier
  readonly details: ModelDetails
  /** What it is called in names of files. */
  readonly stem: string
  /** Of the run that it is of, where it is of one. */
  readonly run: RunReport | undefined
  /** What the run found of it, where it did. */
  readonly row: DescendantRow | CascadeRow | undefined
  readonly writers: PartWriters | undefined
  readonly choice: Awaited<ReturnType<typeof findInRun>>['choice']
}

/**
 * Opens what the options name: a model's file, or of a run the chosen descendant, a path, a cascade or the best within a budget. Its networks are its own.
 *
 * @throws UsageError when a path is malformed; an error when the model cannot be loaded or the run has no such path
 */
export async function openSource({ model, path, budget, config }: ExportOptions, context: Context): Promise<Exported> {
  const { report } = context
  const own = await registryOf(model, config)
  const writers = own?.writers
  if (path === undefined && budget === undefined) {
    const { classifier, details, address } = await loadClassifierAt(model, { report, config })
    const run = (await exists(join(model, REPORT))) ? await readRun(model) : undefined
    const stem = basename(address, extname(address) === '.safetensors' ? '.safetensors' : '')
    return { model: classifier, details, stem, run, row: rowOf(run, details), writers, choice: undefined }
  }
  if (model === 'embedded' || isAddress(model))
    throw new UsageError(`--path and --budget belong to the folder of a run; got ${model}: leave them out, or name a run`)
  report({ kind: 'stage', name: `load the pool of ${model}` })
  const { report: run, wanted, choice } = await findInRun({ run: model, path, budget }, context)
  const pool = await loadPool(await poolOfRun(model, run), { parts: own, spaces: own?.spaces })
  try {
    const stem = basename(modelFileName(wanted, 'f32'), '.safetensors')
    const about = { stem, run, writers, choice }
    if ('segments' in wanted) {
      const { network, details } = await alone(pool, wanted, model, own)
      return { model: network, details, row: rowOf(run, details), ...about }
    }
    const row = await cascadeOfRun(model, run, wanted)
    const found = await ofTwo(pool, wanted, model, own)
    return { ...found, details: { ...pool.details, path: formatCascade(wanted), passedOn: row.passedOn }, row, ...about }
  } finally {
    disposePool(pool)
  }
}

const rowOf = (run: RunReport | undefined, { path }: ModelDetails) => run?.descendants.find((each) => each.path === path)

async function alone(pool: Pool, path: Path, run: string, parts: Registry | undefined) {
  const found = findPath(pool.space, path, run)
  return loadModel(await extractDescendant(pool, found), { parts, name: formatPath(found.path) })
}

async function ofTwo(pool: Pool, { small, large, threshold, confidence }: CascadePaths, run: string, parts: Registry | undefined) {
  const first = await alone(pool, small, run, parts)
  try {
    const second = await alone(pool, large, run, parts)
    return { model: cascade(first.network, second.network, threshold, confidence as ConfidenceName | undefined) }
  } catch (error) {
    disposeNetwork(first.network)
    throw error
  }
}

/** Of a cascade, where it is known: the share of the validation images that its large network answers. */
export function passedOnOf({ model, details }: Pick<Exported, 'model' | 'details'>): number | undefined {
  const { passedOn } = details
  return isCascade(model) && typeof passedOn === 'number' ? passedOn : undefined
}
