import type { BackendName } from '@learngene/backends'
import { compositionError, deviceText, type LatencyProfile } from '@learngene/bench/latency'
import { formatMeasure, InfeasibleBudgetError, type Scored } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import { chooseDescendant, type DescendantRow, measuresOf, type RunReport } from '@learngene/recipe/reports'
import { UsageError } from '../errors.js'
import type { MeasuredBudget, Objective } from '../latency/budget.js'
import type { Measured, MeasuredPool } from '../latency/measure-run.js'
import { poolOfRun } from '../read-run.js'
import { formatShare } from '../report/text.js'
import { measureFinalists } from './measure-finalists.js'
import {
  type CascadeRow,
  type ChoiceContext,
  type ChoosableRow,
  type FoundRow,
  type LatencyOfChoice,
  modelOf,
  type RunRow,
} from './run-rows.js'

/** What a descendant is chosen by. */
export interface ChooseOptions {
  readonly budget: MeasuredBudget
  /** Default the most validation accuracy. */
  readonly objective?: Objective
  /** The least validation accuracy. */
  readonly minAccuracy?: number
  /** The profile of a device that is not here, from which latency is composed; nothing is measured then. */
  readonly profile?: string
  /** Profiles a device anew that was profiled before. */
  readonly anew?: boolean
  /**
   * Who competes with the run's descendants: cascades of two, or others that the pool holds.
   *
   * @param profile where latency plays a part; they have one by it then
   */
  readonly others?: (profile?: LatencyProfile) => Promise<readonly (CascadeRow | FoundRow)[]>
}

export interface RunChoice {
  readonly chosen: RunRow
  readonly runnerUp: RunRow | null
  /** Why the runner-up lost. */
  readonly why: string
  /** Of those within the budget, what no other exceeds in accuracy at its cost. */
  readonly pareto: readonly RunRow[]
  /** Null where latency plays no part. */
  readonly latency: LatencyOfChoice | null
}

/**
 * The best descendant of a run within a budget, by validation accuracy unless told otherwise. Where latency is capped, times composed from a profile say where to look, and the
 * best ones are measured whole: the first of which the median, and the upper end of its interval, keep the cap is taken.
 *
 * @throws when none fits, naming the smallest for each cap; when none reaches the accuracy; when the device cannot be measured
 */
export async function chooseFromRun(report: RunReport, options: ChooseOptions, context: ChoiceContext): Promise<RunChoice> {
  const { budget, objective = 'accuracy', minAccuracy, profile: file, others } = options
  const { caps } = budget
  const isTimed = caps.latency !== undefined || objective === 'latency'
  requireBytes(report.descendants, objective, caps, context.run)
  if (!isTimed) {
    const rows = accurateRows([...report.descendants, ...((await others?.()) ?? [])], minAccuracy)
    const { ranked: _, ...choice } = await bestModel(rows, caps, objective)
    return { ...choice, latency: null }
  }
  const pool: MeasuredPool = { ...(await measuredPool(report, context.run)), backend: budget.backend, batch: budget.batch }
  const { profile, from } = file === undefined ? await ownProfile(pool, options, context) : await givenProfile(file, budget)
  const descendants = await composed(report.descendants, profile, pool, context)
  const rows = accurateRows([...descendants, ...((await others?.(profile)) ?? [])], minAccuracy)
  const { backend, version, device, batch, checked } = profile
  const error = compositionError(checked)
  const about = { backend, version, device, batch, from, compositionError: error ? { ...error, paths: checked.length } : null }
  const remedy = file === undefined ? elsewhere(budget, backend) : ''
  const { ranked, ...byProfile } = await bestModel(rows, caps, objective).catch((error) => {
    throw onDevice(error, profile, remedy)
  })
  if (file !== undefined) {
    const { chosen } = byProfile
    return { ...byProfile, latency: { ...about, composedMs: chosen.latency!, worst: worstOf(chosen), fresh: null, passedOver: [] } }
  }
  const { freshOf, passedOver } = await measureFinalists(ranked, caps, { ...pool, backend, remedy }, context)
  const left = rows.filter(({ path }) => !passedOver.some((each) => each.path === path))
  // The fastest is the fastest of those that were measured.
  const finalists = left.flatMap((row) => (freshOf(row) ? [{ ...row, latency: freshOf(row)!.median }] : []))
  const isFastest = objective === 'latency'
  const { ranked: _, ...choice } = await bestModel(
    isFastest ? finalists : left,
    isFastest ? { ...caps, latency: undefined } : caps,
    objective,
  )
  const chosen = rows.find(({ path }) => path === choice.chosen.path)!
  const { path: __, composedMs, both = null, ...fresh } = freshOf(chosen)!
  const { pareto } = await best(left, caps, 'accuracy')
  return { ...choice, pareto, latency: { ...about, composedMs, fresh, worst: worstOf(chosen, both), passedOver } }
}

/** What to try where a cap on latency is broken on the backend that `auto` took; '' where the user named one, or nothing promises more. */
function elsewhere({ caps, backend: asked }: MeasuredBudget, backend: BackendName): string {
  if (asked !== 'auto' || backend === 'wasm' || backend === 'cpu' || caps.latency === undefined) return ''
  return `, or measure on another backend than ${backend}, which auto took: small models may be faster with latency=${formatMeasure('latency', caps.latency)}@wasm, and learngene backends lists the others`
}

/** An error of caps that nothing keeps says where the latency is that of. */
function onDevice(error: unknown, profile: LatencyProfile, remedy: string): unknown {
  if (!(error instanceof InfeasibleBudgetError) || error.smallest.every(({ measure }) => measure !== 'latency')) return error
  return new Error(`${error.message}${remedy}; latency is that on ${deviceText(profile)}`, { cause: error })
}

const worstOf = (row: RunRow, fresh: Measured | null = null) => ('worstLatency' in row ? { composedMs: row.worstLatency!, fresh } : null)

/** @throws UsageError where cascades are to compete by what they have no measure of */
export function requireCascadeMeasures({ caps, batch }: MeasuredBudget, objective: Objective = 'accuracy'): void {
  const isTimed = caps.latency !== undefined || objective === 'latency'
  if (caps.bytes !== undefined || objective === 'bytes')
    throw new UsageError(
      'cascades compete by macs, params, memory and latency, and bytes are told of single descendants; leave out one of the two',
    )
  if (isTimed && batch !== 1)
    throw new UsageError(
      `the latency of a cascade is the mean of an image, with batch=1, as any number of a larger batch may be passed on; got batch=${batch}`,
    )
}

function accurateRows(rows: readonly RunRow[], minAccuracy = 0): readonly RunRow[] {
  const accurate = rows.filter(({ validationAccuracy }) => validationAccuracy >= minAccuracy)
  if (accurate.length > 0) return accurate
  const { path, validationAccuracy } = rows.reduce((most, row) => (row.validationAccuracy > most.validationAccuracy ? row : most))
  throw new Error(
    `no descendant reaches the validation accuracy ${formatShare(minAccuracy)}: the most is ${path} with ${formatShare(validationAccuracy)}`,
  )
}

function requireBytes(rows: readonly DescendantRow[], objective: Objective, caps: Budget, run: string): void {
  if ((caps.bytes === undefined && objective !== 'bytes') || rows.every(({ bytes }) => bytes !== undefined)) return
  throw new Error(
    `the report of ${run} must tell the bytes of each descendant; an earlier version wrote it: make the run again with --force`,
  )
}

/** The same two models by another threshold are no runner-up. */
async function bestModel(rows: readonly RunRow[], caps: Budget, objective: Objective) {
  const first = await best(rows, caps, objective)
  const others = rows.filter((row) => row === first.chosen || modelOf(row) !== modelOf(first.chosen))
  if (others.length === rows.length) return first
  const { runnerUp, why } = await best(others, caps, objective)
  return { ...first, runnerUp, why }
}

/** Of rows with all measures that the caps name. */
async function best(rows: readonly RunRow[], caps: Budget, objective: Objective) {
  const score = (row: RunRow) => (objective === 'accuracy' ? row.validationAccuracy : -measuresOf(row)[objective]!)
  const cost = caps.latency !== undefined || objective === 'latency' ? 'latency' : 'macs'
  const { chosen, runnerUp, whyRunnerUpLost, pareto, evaluated } = await chooseDescendant(rows, caps, score, { cost })
  const why = objective === 'accuracy' || !runnerUp ? whyRunnerUpLost : whyMore(objective, chosen, runnerUp)
  return { chosen: chosen.value, runnerUp: runnerUp?.value ?? null, why, pareto: pareto.map(({ value }) => value), ranked: evaluated }
}

function whyMore(objective: Objective, winner: Scored<RunRow>, loser: Scored<RunRow>): string {
  const [more, less] = [loser, winner].map(({ measures }) => formatMeasure(objective, Number(measures[objective]!.toPrecision(4))))
  return more === less
    ? `${loser.key} lost: its ${objective} is the same as that of ${winner.key}, ${less}, which costs no more`
    : `${loser.key} lost: its ${objective} is ${more}, that of ${winner.key} is ${less}`
}

/** Which pool of a run is measured, with the module of its own kinds. */
export async function measuredPool(report: RunReport, run: string) {
  const pool = await poolOfRun(run, report)
  const { findStoredRun } = await import('../run/run-folder.js')
  const stored = await findStoredRun(run)
  return { pool, ...(stored?.config.registry && stored.configFile !== undefined && { configFile: stored.configFile }) }
}

async function ownProfile(pool: MeasuredPool, { anew }: ChooseOptions, { report, env, signal }: ChoiceContext) {
  const { profilePool } = await import('../latency/measure-run.js')
  const { profileFolder } = await import('../latency/profile-store.js')
  report({ kind: 'stage', name: `time the parts of the family on ${pool.backend}, batch ${pool.batch}` })
  const { profile, stored, notKept } = await profilePool({ ...pool, folder: profileFolder(env), anew }, signal)
  if (notKept !== undefined) report({ kind: 'message', text: `the times are not kept for later searches: ${notKept}` })
  return { profile, from: stored ? ('stored' as const) : ('measured' as const) }
}

/** @throws where the file is of another backend or batch than the budget asks for */
async function givenProfile(file: string, { backend, batch }: MeasuredBudget) {
  const { readProfileFile } = await import('../latency/profile-store.js')
  const profile = await readProfileFile(file)
  if ((backend !== 'auto' && backend !== profile.backend) || batch !== profile.batch)
    throw new Error(`${file} must be a profile of ${backend}, batch ${batch}; it is of ${deviceText(profile)}`)
  return { profile, from: 'file' as const }
}

async function composed(
  rows: readonly DescendantRow[],
  profile: LatencyProfile,
  { pool, configFile }: MeasuredPool,
  { report }: ChoiceContext,
): Promise<ChoosableRow[]> {
  report({ kind: 'stage', name: 'compose the times of all descendants' })
  const { composePaths } = await import('../latency/compose-paths.js')
  const times = await composePaths(
    { pool, configFile },
    profile,
    rows.map(({ path }) => path),
  )
  return rows.map((row, i) => ({ ...row, latency: times[i]! }))
}
