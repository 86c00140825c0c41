import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Budget } from '@learngene/interfaces'
import { disposePool, extractDescendant } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import { costOfPath, formatPath, type Path, type PathSpace, parsePath, type StitchedPath } from '@learngene/stitch'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { asUsage } from '../errors.js'
import { poolOfRun, readRun } from '../read-run.js'
import { commandText } from '../report/next.js'
import { registryOfRun } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import { assertModelReplaceable } from './assert-model-replaceable.js'
import { chooseFromRun } from './choose-from-run.js'
import { modelFileName } from './model-file-name.js'

export interface ExtractOptions {
  readonly run: string
  /** Else the best within `budget`. */
  readonly path?: string
  readonly budget?: Budget
  /** Default a file in the run's folder, named after the path. */
  readonly out?: string
  readonly dtype: 'f32' | 'f16'
  readonly force?: boolean
}

/**
 * Extracts a descendant of a run's pool into a file.
 *
 * @throws UsageError when the path is malformed; an error when the run is not finished or cannot be read, no descendant keeps the budget, the pool does not have the
 *   path, or the file is somebody else's
 */
export async function extractFromRun({ run, path: text, budget = {}, out, dtype, force = false }: ExtractOptions) {
  const { report, wanted, choice } = await findInRun({ run, path: text, budget })
  const file = out ?? join(run, modelFileName(wanted, dtype))
  if (!force) await assertModelReplaceable(file, { name: 'extracted descendant', key: 'path' })
  const dir = await poolOfRun(run, report)
  await startBackend('wasm')
  const own = await registryOfRun(run)
  const pool = await loadPool(dir, { blocks: own?.blocks, spaces: own?.spaces })
  try {
    const found = findPath(pool.space, wanted, run)
    const bytes = await extractDescendant(pool, found, { dtype: dtype === 'f16' ? 'F16' : 'F32' })
    await mkdir(dirname(file), { recursive: true })
    await writeFileAtomically(file, bytes)
    const path = formatPath(found.path)
    return {
      path,
      file,
      bytes: bytes.length,
      dtype,
      ...costOfPath(pool, found),
      /** How it was chosen; null where a path was given. */
      chosen: choice ? { budget, runnerUp: choice.runnerUp?.path ?? null, why: choice.why, images: report.images.validation } : null,
      measured: measuredOf(report, path),
      next: nextAfter(file, report),
    }
  } finally {
    disposePool(pool)
  }
}

/**
 * The path that is meant: the given one, or the run's best within a budget.
 *
 * @throws UsageError when the path is malformed; an error when the run is not finished or cannot be read, or no descendant keeps the budget
 */
export async function findInRun({ run, path, budget = {} }: Pick<ExtractOptions, 'run' | 'path' | 'budget'>) {
  const given = path === undefined ? undefined : asUsage(() => parsePath(path))
  const report = await readRun(run)
  const choice = given ? undefined : await chooseFromRun(report, budget)
  return { report, choice, wanted: given ?? parsePath(choice!.chosen.path) }
}

export function findPath(space: PathSpace, wanted: Path, run: string): StitchedPath {
  const found = space.find(wanted)
  if (found) return found
  const nearest = formatPath(space.nearest(wanted).path)
  throw new Error(`the pool of ${run} has no path ${formatPath(wanted)}; of its ${space.count()} paths the nearest is ${nearest}`)
}

/** What the run measured of a path; null where it did not. */
export function measuredOf({ descendants, images }: RunReport, path: string) {
  const row = descendants.find((each) => each.path === path)
  if (!row) return null
  const { validationAccuracy, testAccuracy } = row
  return { validationAccuracy, validationImages: images.validation, testAccuracy, testImages: images.test }
}

/** Fashion-MNIST and a folder of test pictures are at hand; others stay to be named. */
function nextAfter(file: string, { command, config }: RunReport): string {
  const { training, test } = (config.images ?? {}) as { readonly training?: string; readonly test?: string }
  const [, files] = /^fashion-mnist:(.*)$/s.exec(training ?? '') ?? []
  if (files !== undefined) return commandText('evaluate', file, '--data-dir', files)
  if (command === 'quickstart' || training === 'embedded') return commandText('evaluate', file)
  return test === undefined ? commandText('classify', file, 'PICTURE.jpg') : commandText('evaluate', file, '--images', test)
}
