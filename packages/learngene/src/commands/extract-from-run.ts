import { dirname, join } from 'node:path'
import type { LatencyProfile } from '@learngene/bench/latency'
import { disposePool, extractDescendant, type Pool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import {
  type CascadePaths,
  type ConfidenceName,
  cascade,
  costOfPath,
  descendantOf,
  findWithStitches,
  formatPath,
  isCascadeText,
  type Path,
  type PathSpace,
  parseCascade,
  parsePath,
  type StitchedPath,
  saveCascade,
} from '@learngene/stitch'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import { asUsage } from '../errors.js'
import type { MeasuredBudget } from '../latency/budget.js'
import { poolOfRun, readRun } from '../read-run.js'
import { commandText } from '../report/next.js'
import { registryOfRun } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import { assertModelReplaceable } from './assert-model-replaceable.js'
import { cascadeOfRun, cascadesOfRun } from './cascades-of-run.js'
import { chooseFromRun, requireCascadeMeasures } from './choose-from-run.js'
import { modelFileName } from './model-file-name.js'
import type { CascadeRow, ChoiceContext } from './run-rows.js'

export interface ExtractOptions {
  readonly run: string
  /** Else the best within `budget`. */
  readonly path?: string
  readonly budget?: MeasuredBudget
  /** Whether cascades compete within the budget, by what confidence. */
  readonly cascades?: boolean
  readonly confidence?: ConfidenceName
  /** See `ChooseOptions`. */
  readonly profile?: string
  readonly anew?: boolean
  /** Default a file in the run's folder, named after the path. */
  readonly out?: string
  readonly dtype: 'f32' | 'f16'
  readonly force?: boolean
}

const NO_BUDGET: MeasuredBudget = { caps: {}, backend: 'auto', batch: 1 }

/**
 * Extracts a descendant of a run's pool, or a cascade of two, into a file.
 *
 * @throws UsageError when the path is malformed; an error when the run is not finished or cannot be read, no descendant keeps the budget, the pool does not have the
 *   path, or the file is somebody else's
 */
export async function extractFromRun({ dtype, force = false, out, ...asked }: ExtractOptions, context: ExtractContext) {
  const { run, budget = NO_BUDGET } = asked
  const { report, wanted, choice } = await findInRun(asked, context)
  const file = out ?? join(run, modelFileName(wanted, dtype))
  if (!force) await assertModelReplaceable(file, { name: 'extracted descendant', key: 'path' })
  const dir = await poolOfRun(run, report)
  await startBackend('wasm')
  const own = await registryOfRun(run)
  const pool = await loadPool(dir, { parts: own, spaces: own?.spaces })
  try {
    const stored = dtype === 'f16' ? 'F16' : 'F32'
    const { bytes, path, cost, row } =
      'segments' in wanted ? await alone(pool, wanted, run, stored) : await ofTwo(pool, wanted, run, report, stored)
    await makeFolder(dirname(file))
    await writeFileAtomically(file, bytes)
    return {
      path,
      file,
      bytes: bytes.length,
      dtype,
      ...cost,
      /** Of a cascade, which costs so much on average. */
      cascade: row ? { passedOn: row.passedOn, testPassedOn: row.testPassedOn, testMacs: row.testMacs } : null,
      /** How it was chosen; null where a path was given. */
      chosen: choice
        ? {
            budget: budget.caps,
            runnerUp: choice.runnerUp?.path ?? null,
            why: choice.why,
            latency: choice.latency,
            images: report.images.validation,
          }
        : null,
      measured: measuredOf(report, row ?? report.descendants.find((each) => each.path === path)),
      next: nextAfter(file, report),
    }
  } finally {
    disposePool(pool)
  }
}

/** Who hears of a choice. */
export type ExtractContext = Omit<ChoiceContext, 'run'>

/**
 * What is meant: the given path or cascade, or the run's best within a budget.
 *
 * @throws UsageError when the path is malformed; an error when the run is not finished or cannot be read, or no descendant keeps the budget
 */
export async function findInRun(
  { run, path, budget = NO_BUDGET, cascades, confidence, profile, anew }: Omit<ExtractOptions, 'out' | 'dtype' | 'force'>,
  context: ExtractContext,
) {
  const given = path === undefined ? undefined : asUsage(() => parseModel(path))
  if (cascades) requireCascadeMeasures(budget)
  const report = await readRun(run)
  const others = cascades
    ? (found?: LatencyProfile) => cascadesOfRun(run, report, { caps: budget.caps, confidence, profile: found })
    : undefined
  const choice = given ? undefined : await chooseFromRun(report, { budget, profile, anew, others }, { ...context, run })
  return { report, choice, wanted: given ?? parseModel(choice!.chosen.path) }
}

/** A path of a pool, also one that goes through more of its stitches than those that it lists. @throws where it has none, naming the nearest that it lists */
export function findPath(space: PathSpace, wanted: Path, run: string): StitchedPath {
  const found = findWithStitches(space, wanted)
  if (found) return found
  const nearest = formatPath(space.nearest(wanted).path)
  throw new Error(`the pool of ${run} has no path ${formatPath(wanted)}; of its ${space.count()} paths the nearest is ${nearest}`)
}

const parseModel = (text: string): Path | CascadePaths => (isCascadeText(text) ? parseCascade(text) : parsePath(text))

type Stored = 'F32' | 'F16'

async function alone(pool: Pool, wanted: Path, run: string, dtype: Stored) {
  const found = findPath(pool.space, wanted, run)
  return {
    bytes: await extractDescendant(pool, found, { dtype }),
    path: formatPath(found.path),
    cost: costOfPath(pool, found),
    row: undefined,
  }
}

/** Its details say which share of the validation images was passed on. */
async function ofTwo(pool: Pool, wanted: CascadePaths, run: string, report: RunReport, dtype: Stored) {
  const [small, large] = [wanted.small, wanted.large].map((path) => descendantOf(pool, findPath(pool.space, path, run)))
  const row = await cascadeOfRun(run, report, wanted)
  const { macs, parameters, memory, path, passedOn } = row
  const model = cascade(small!, large!, wanted.threshold, wanted.confidence as ConfidenceName | undefined)
  const bytes = await saveCascade(model, { dtype, details: { ...pool.details, path, passedOn } })
  return { bytes, path, cost: { macs, parameters, memory }, row }
}

/** What the run measured of a path or a cascade; null where it did not. */
export function measuredOf({ images }: RunReport, row: Pick<CascadeRow, 'validationAccuracy' | 'testAccuracy'> | undefined) {
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
