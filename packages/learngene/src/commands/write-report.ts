import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { formatBudget } from '@learngene/budget-search'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { UsageError } from '../errors.js'
import { durationText } from '../progress/clock-text.js'
import { readRun } from '../read-run.js'
import { compareRuns, type Run, type RunSummary } from '../report/compare-runs.js'
import { renderComparison, renderHtml } from '../report/html/index.js'
import { renderTable } from '../report/terminal.js'
import { formatCount, formatShare, textTable } from '../report/text.js'
import { PAGE } from '../run/run-folder.js'
import { assertPageReplaceable } from './assert-replaceable.js'

export interface ReportOptions {
  readonly dirs: readonly string[]
  readonly out?: string
  readonly force?: boolean
  readonly quiet?: boolean
}

export interface WrittenReport {
  readonly file: string
  readonly runs: readonly RunSummary[]
  /** For a terminal. */
  readonly text: string
}

/**
 * Writes the page of one run, or of several side by side, whole or not at all.
 *
 * @throws where a directory is no run or comes twice, and where the file is none of our pages; nothing is written then
 */
export async function writeReport({ dirs, out, force = false, quiet }: ReportOptions): Promise<WrittenReport> {
  const twice = dirs.find((dir, i) => dirs.findIndex((other) => resolve(other) === resolve(dir)) !== i)
  if (twice !== undefined) throw new UsageError(`runs must be different, ${twice} is named twice`)
  const names = shortNames(dirs)
  const runs: Run[] = []
  for (const [i, dir] of dirs.entries()) runs.push({ name: names[i]!, dir, report: await readRun(dir) })
  const summaries = await compareRuns(runs)
  const [{ dir, report }] = runs as [Run]
  const isAlone = runs.length === 1
  const file = out ?? (isAlone ? join(dir, PAGE) : 'report-comparison.html')
  if (!force) await assertPageReplaceable(file)
  const page = isAlone
    ? renderHtml(report)
    : renderComparison(
        runs,
        summaries,
        runs.map((run) => linkTo(run, file)),
      )
  await writeFileAtomically(file, page)
  return { file, runs: summaries, text: isAlone ? renderTable(report, dir, quiet) : comparisonText(summaries) }
}

/** The last part of each directory, and so many of those before it as it takes for all to be different. */
export function shortNames(dirs: readonly string[]): string[] {
  const end = (dir: string, parts: number): string =>
    parts === 1 || dirname(dir) === dir ? basename(dir) || dir : `${end(dirname(dir), parts - 1)}/${basename(dir)}`
  const places = dirs.map((dir) => resolve(dir))
  const longest = Math.max(...places.map((place) => place.split(/[/\\]/).length))
  for (let parts = 1; parts < longest; parts++) {
    const names = places.map((place) => end(place, parts))
    if (new Set(names).size === names.length) return names
  }
  return places
}

/** The address of a run's own page as seen from a file; undefined where it has none. */
function linkTo({ dir }: Run, file: string): string | undefined {
  const own = join(dir, PAGE)
  if (!existsSync(own)) return undefined
  return relative(dirname(resolve(file)), resolve(own))
    .split(sep)
    .map(encodeURIComponent)
    .join('/')
}

function comparisonText(summaries: readonly RunSummary[]): string {
  const budgets = summaries[0]!.best.map(({ macs }) => formatBudget({ macs }))
  const rows = summaries.map(({ name, ancestor, descendants, best, storedParameters, seconds }) => [
    name,
    formatShare(ancestor.testAccuracy),
    String(descendants),
    ...best.map(({ descendant }) => (descendant ? formatShare(descendant.testAccuracy) : '')),
    formatCount(storedParameters),
    durationText(seconds),
  ])
  const headings = ['run', 'ancestor', 'models', ...budgets, 'stored', 'time']
  return textTable(headings, rows, ['left', ...headings.slice(1).map(() => 'right' as const)])
}
