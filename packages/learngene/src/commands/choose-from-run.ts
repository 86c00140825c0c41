import { compositionError, deviceText, type LatencyProfile, type ProfiledDevice } from '@learngene/bench/latency'
import { type Confirmed, confirm, formatBudget, formatMeasure, type Scored } from '@learngene/budget-search'
import type { Budget, Reporter } from '@learngene/interfaces'
import { chooseDescendant, type DescendantRow, measuresOf, type RunReport } from '@learngene/recipe/reports'
import { UsageError } from '../errors.js'
import type { MeasuredBudget, Objective } from '../latency/budget.js'
import type { MeasuredPath, MeasuredPool } from '../latency/measure-run.js'
import { poolOfRun } from '../read-run.js'
import { formatCount, formatShare } from '../report/text.js'
import type { CascadeRow } from './cascades-of-run.js'

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
  /** Of the run's descendants, which compete with them by expected MACs. */
  readonly cascades?: readonly CascadeRow[]
}

/** A descendant, and in a search by latency its time as the profile composes it. */
export type ChoosableRow = DescendantRow & { readonly latency?: number }

/** What a budget chooses from. */
export type RunRow = ChoosableRow | CascadeRow

export interface RunChoice<Row extends RunRow = RunRow> {
  readonly chosen: Row
  readonly runnerUp: Row | null
  /** Why the runner-up lost. */
  readonly why: string
  /** Of those within the budget, what no other exceeds in accuracy at its cost. */
  readonly pareto: readonly Row[]
  /** Null where latency plays no part. */
  readonly latency: LatencyOfChoice | null
}

/** What was composed and measured. */
export interface LatencyOfChoice extends ProfiledDevice {
  /** Where the profile comes from. */
  readonly from: 'measured' | 'stored' | 'file'
  /** How far composed times are from those of whole paths; null where nothing was checked. */
  readonly compositionError: { readonly median: number; readonly largest: number; readonly paths: number } | null
  readonly composedMs: number
  /** The choice measured whole, after it was chosen, in a process of its own; null where the device is not here. */
  readonly fresh: Omit<MeasuredPath, 'path'> | null
  /** Better ones, best first, whose fresh time breaks the cap. */
  readonly passedOver: readonly (MeasuredPath & { readonly composedMs: number })[]
}

/** Who is chosen from, and who hears of it. */
interface Context {
  /** The run's folder. */
  readonly run: string
  readonly report: Reporter
  readonly env: { readonly [name: string]: string | undefined }
  readonly signal?: AbortSignal
}

/** Whole models that are measured at once, in turns. */
const FINALISTS = 4

/** Of all finalists that are measured at once, in seconds. */
const FRESH_SECONDS = 3

/** Where every one of them takes this many times what it is composed of, the machine was busy with something else: they are measured again, at most so often in all. */
const BUSY = 1.15
const TRIES = 2

/**
 * The best descendant of a run within a budget, by validation accuracy unless told otherwise. Where latency is capped, times composed from a profile say where to look, and the
 * best ones are measured whole: the first of which the median, and the upper end of its interval, keep the cap is taken.
 *
 * @throws when none fits, naming the smallest for each cap; when none reaches the accuracy; when the device cannot be measured; UsageError where cascades are to keep a cap that
 * they have no measure of
 */
export async function chooseFromRun(report: RunReport, options: ChooseOptions, context: Context): Promise<RunChoice> {
  const { budget, objective = 'accuracy', minAccuracy, profile: file, cascades = [] } = options
  const { caps } = budget
  const isTimed = caps.latency !== undefined || objective === 'latency'
  if (cascades.length > 0 && (isTimed || caps.bytes !== undefined || objective === 'bytes')) {
    throw new UsageError(
      'cascades compete by macs, params and memory: what one takes on a device depends on the picture; leave out --cascades, or the cap',
    )
  }
  const accurate = accurateRows(report.descendants, minAccuracy)
  requireBytes(accurate, objective, caps, context.run)
  if (!isTimed) {
    const rows = [...accurate, ...cascades.filter(({ validationAccuracy }) => validationAccuracy >= (minAccuracy ?? 0))]
    return { ...(await bestModel(rows, caps, objective)), latency: null }
  }
  const pool: MeasuredPool = { ...(await measuredPool(report, context.run)), backend: budget.backend, batch: budget.batch }
  const { profile, from } = file === undefined ? await ownProfile(pool, options, context) : await givenProfile(file, budget)
  const rows = await composed(accurate, profile, pool, context)
  const { backend, version, device, batch, checked } = profile
  const error = compositionError(checked)
  const about = { backend, version, device, batch, from, compositionError: error ? { ...error, paths: checked.length } : null }
  const byProfile = await best<ChoosableRow>(rows, caps, objective)
  if (file !== undefined) {
    return { ...byProfile, latency: { ...about, composedMs: byProfile.chosen.latency!, fresh: null, passedOver: [] } }
  }
  const { fresh, passedOver } = await measureFinalists(byProfile.ranked, caps, { ...pool, backend }, context)
  const left = rows.filter(({ path }) => !passedOver.some((each) => each.path === path))
  // The fastest is the fastest of those that were measured.
  const finalists = left.flatMap((row) => (fresh.has(row.path) ? [{ ...row, latency: fresh.get(row.path)!.median }] : []))
  const choice = await best(
    objective === 'latency' ? finalists : left,
    objective === 'latency' ? { ...caps, latency: undefined } : caps,
    objective,
  )
  const { path, ...measured } = fresh.get(choice.chosen.path)!
  const composedMs = rows.find((row) => row.path === path)!.latency!
  const { pareto } = await best(left, caps, 'accuracy')
  return { ...choice, pareto, latency: { ...about, composedMs, fresh: measured, passedOver } }
}

function accurateRows(rows: readonly DescendantRow[], minAccuracy = 0): readonly DescendantRow[] {
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

/** What a row is but for its threshold. */
const modelOf = (row: RunRow): string => ('small' in row ? `${row.small} ${row.large}` : row.path)

/** A front without cascades that the next one exceeds by its threshold alone. */
export function withoutThresholds<Row extends RunRow>(front: readonly Row[]): Row[] {
  return front.filter((row, i) => !front[i + 1] || modelOf(front[i + 1]!) !== modelOf(row))
}

/** Of rows with all measures that the caps name. */
async function best<Row extends RunRow>(rows: readonly Row[], caps: Budget, objective: Objective) {
  const score = (row: Row) => (objective === 'accuracy' ? row.validationAccuracy : -measuresOf(row)[objective]!)
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

async function ownProfile(pool: MeasuredPool, { anew }: ChooseOptions, { report, env, signal }: Context) {
  const { profilePool } = await import('../latency/measure-run.js')
  const { profileFolder } = await import('../latency/profile-store.js')
  report({ kind: 'stage', name: `time the parts of the family on ${pool.backend}, batch ${pool.batch}` })
  const { profile, stored } = await profilePool({ ...pool, folder: profileFolder(env), anew }, signal)
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
  { report }: Context,
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

/** Measures the best until one keeps the caps. @throws where none does, naming the fastest that was measured */
async function measureFinalists(ranked: readonly Scored<ChoosableRow>[], caps: Budget, pool: MeasuredPool, { report, signal }: Context) {
  const { measurePaths } = await import('../latency/measure-run.js')
  const fresh = new Map<string, MeasuredPath>()
  const measure = async (some: readonly Scored<ChoosableRow>[]) => {
    const paths = some.map(({ key }) => key)
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      report({ kind: 'stage', name: `measure ${some.length} whole ${some.length === 1 ? 'descendant' : 'descendants'} on ${pool.backend}` })
      const { measured } = await measurePaths({ ...pool, seconds: FRESH_SECONDS, paths }, signal)
      for (const each of measured) {
        const before = fresh.get(each.path)
        if (!before || each.median < before.median) fresh.set(each.path, each)
      }
      const slower = some.map(({ key, value }) => fresh.get(key)!.median / value.latency!)
      if (Math.min(...slower) <= BUSY) break
    }
    return paths.map((path) => ({ latency: fresh.get(path)!.interval[1] }))
  }
  const { chosen, measured } = await confirm(ranked, measure, caps, { cost: 'latency', atOnce: FINALISTS })
  const of = ({ candidate }: Confirmed<ChoosableRow>) => ({ ...fresh.get(candidate.key)!, composedMs: candidate.value.latency! })
  if (!chosen) {
    const fastest = measured.map(of).reduce((least, each) => (each.median < least.median ? each : least))
    throw new Error(
      `no descendant keeps ${formatBudget(caps)} when it is measured: the fastest of ${measured.length} is ${fastest.path} with ${msText(fastest)}, composed of its parts ${ms(fastest.composedMs)}; raise the cap`,
    )
  }
  const passedOver = measured.filter(({ keeps }, i) => !keeps && i < measured.indexOf(chosen)).map(of)
  return { fresh, passedOver }
}

export const ms = (value: number): string => `${Number(value.toPrecision(4))} ms`

const msText = ({ median, interval: [low, high], runs }: Omit<MeasuredPath, 'path'>): string =>
  `median ${ms(median)} (${ms(low)} to ${ms(high)} with 95 % certainty, ${runs} runs)`

/** What each part of the images had to do with a choice. */
export function splitsText(row: RunRow, { validation, test }: RunReport['images']): string {
  const { validationAccuracy, testAccuracy } = row
  const passed =
    'passedOn' in row
      ? `, ${formatShare(row.testPassedOn)} of them by the large descendant: ${formatCount(row.testMacs)} MACs on average (${formatShare(row.passedOn)} and ${formatCount(row.macs)} on validation images)`
      : ''
  return `chosen on ${validation} validation images (${formatShare(validationAccuracy)} right), reported on ${test} test images: ${formatShare(testAccuracy)} right${passed}`
}

/** What was composed, what was measured, on what, and who was passed over. */
export function latencyText({ from, compositionError: error, composedMs, fresh, passedOver, ...device }: LatencyOfChoice): string[] {
  const origin = { measured: 'timed now', stored: 'timed before', file: 'of a file' }[from]
  const check = error
    ? `median ${formatShare(error.median)}, largest ${formatShare(error.largest)} on ${error.paths} whole paths`
    : 'not checked: too few paths'
  return [
    `latency on ${deviceText(device)}`,
    `  composed ${ms(composedMs)} of parts ${origin}; error of composition: ${check}`,
    fresh
      ? `  measured ${msText(fresh)}, the whole model in a process of its own`
      : '  not measured: the profile is of a device that is not here',
    ...passedOver.map((each) => `  passed over ${each.path}: composed ${ms(each.composedMs)}, measured ${msText(each)}`),
  ]
}
