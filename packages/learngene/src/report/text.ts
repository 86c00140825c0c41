import { formatBudget } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import type { RunReport } from '@learngene/recipe/reports'

/** A count with three or more digits and a suffix: 317, 45.2 k, 1.26 M, 17.6 G. */
export function formatCount(value: number): string {
  for (const [suffix, scale] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    const scaled = value / scale
    // 999.95 k rounds to 1000.0 k, which is 1.00 M.
    if (Number(scaled.toPrecision(4)) >= 1) return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${suffix}`
  }
  return String(value)
}

/** A share as a percentage. */
export function formatShare(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}

/** The change from `reference` to `value`: -40.1 %, +3.0 %. */
export function formatChange(value: number, reference: number): string {
  const change = (100 * (value - reference)) / reference
  return `${change > 0 ? '+' : change < 0 ? '−' : ''}${Math.abs(change).toFixed(1)} %`
}

/** A small difference: 1.3e-7, or 0. */
export function formatDifference(value: number): string {
  return value === 0 ? '0' : value.toExponential(1)
}

/** Of the whole run: its time `total`, or the sum of its stages where there is none. */
export function totalSeconds({ times }: Pick<RunReport, 'times'>): number {
  return times.total ?? Object.values(times).reduce((sum, seconds) => sum + seconds, 0)
}

type Align = 'left' | 'right'

/** Rows in columns, under their headings. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[], aligns: readonly Align[]): string {
  const widths = headings.map((heading, i) => rows.reduce((width, row) => Math.max(width, row[i]!.length), heading.length))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (aligns[i] === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [line(headings), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** The caps that a choice keeps, in words. */
export function budgetText(budget: Budget): string {
  return formatBudget(budget) || 'no budget'
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** The first ten of a list, and how many more there are. */
export function listed(names: readonly string[], separator = ', '): string {
  return `${names.slice(0, 10).join(separator)}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`
}
