import type { Budget } from '@learngene/interfaces'
import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import { chooseDescendant } from '@learngene/recipe/reports'
import { formatCount, formatShare } from '../report/text.js'
import type { CascadeRow } from './cascades-of-run.js'

/** What a budget chooses from. */
export type RunRow = DescendantRow | CascadeRow

export interface RunChoice<Row> {
  readonly chosen: Row
  readonly runnerUp: Row | null
  /** Why the runner-up lost. */
  readonly why: string
  /** Of those within the budget, what no other exceeds in accuracy at its cost. */
  readonly pareto: readonly Row[]
}

/**
 * The best descendant of a run within a budget, by validation accuracy.
 *
 * @param cascades of its descendants, which compete with them
 * @throws when none fits, naming the smallest for each cap
 */
export async function chooseFromRun(report: RunReport, budget: Budget): Promise<RunChoice<DescendantRow>>
export async function chooseFromRun(report: RunReport, budget: Budget, cascades: readonly CascadeRow[]): Promise<RunChoice<RunRow>>
export async function chooseFromRun(
  { descendants }: RunReport,
  budget: Budget,
  cascades: readonly CascadeRow[] = [],
): Promise<RunChoice<RunRow>> {
  const rows = [...descendants, ...cascades]
  const choose = (rows: readonly RunRow[]) => chooseDescendant(rows, budget, ({ validationAccuracy }) => validationAccuracy)
  const { chosen, pareto, ...first } = await choose(rows)
  // The same two by another threshold are no other model.
  const others = rows.filter((row) => row === chosen.value || modelOf(row) !== modelOf(chosen.value))
  const { runnerUp, whyRunnerUpLost } = others.length === rows.length ? first : await choose(others)
  return { chosen: chosen.value, runnerUp: runnerUp?.value ?? null, why: whyRunnerUpLost, pareto: pareto.map(({ value }) => value) }
}

/** What a row is but for its threshold. */
const modelOf = (row: RunRow): string => ('small' in row ? `${row.small} ${row.large}` : row.path)

/** A front without cascades that the next one exceeds by its threshold alone. */
export function withoutThresholds<Row extends RunRow>(front: readonly Row[]): Row[] {
  return front.filter((row, i) => !front[i + 1] || modelOf(front[i + 1]!) !== modelOf(row))
}

/** What each part of the images had to do with a choice. */
export function splitsText(row: RunRow, { validation, test }: RunReport['images']): string {
  const { validationAccuracy, testAccuracy } = row
  const passed =
    'passedOn' in row
      ? `, ${formatShare(row.testPassedOn)} of them by the large descendant: ${formatCount(row.testMacs)} MACs on average (${formatShare(row.passedOn)} and ${formatCount(row.macs)} on validation images)`
      : ''
  return `chosen on ${validation} validation images (${formatShare(validationAccuracy)} right), reported on ${test} test images: ${formatShare(testAccuracy)} right${passed}`
}
