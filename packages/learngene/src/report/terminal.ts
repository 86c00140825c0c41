import { join } from 'node:path'
import { formatBudget } from '@learngene/budget-search'
import { type DescendantRow, type RunReport, untrainedSeconds } from '@learngene/recipe/reports'
import { durationText } from '../progress/clock-text.js'
import { commandText } from './next.js'
import { budgetText, formatCount, formatDifference, formatShare, textTable, totalSeconds } from './text.js'

type TableRow = Omit<DescendantRow, 'id' | 'stitched' | 'untrainedAccuracy' | 'testAccuracy' | 'pareto'> &
  Partial<Pick<DescendantRow, 'untrainedAccuracy' | 'testAccuracy'>> & { readonly latency?: number }

/** Descendants by row: `>` where chosen, path, costs, latency where it is known, test accuracy before any training where it is, validation and test accuracy. */
export function descendantsTable(rows: readonly TableRow[], chosen: string): string {
  const isTimed = rows.some(({ latency }) => latency !== undefined)
  return textTable(
    ['', 'path', 'params', 'MACs', ...(isTimed ? ['latency'] : []), 'untrained', 'validation', 'test'],
    rows.map((row) => [
      row.path === chosen ? '>' : '',
      row.path,
      formatCount(row.parameters),
      formatCount(row.macs),
      ...(isTimed ? [`${Number((row.latency ?? Number.NaN).toPrecision(4))} ms`] : []),
      row.untrainedAccuracy === undefined ? '' : formatShare(row.untrainedAccuracy),
      formatShare(row.validationAccuracy),
      row.testAccuracy === undefined ? '' : formatShare(row.testAccuracy),
    ]),
    ['left', 'left', 'right', 'right', ...(isTimed ? (['right'] as const) : []), 'right', 'right', 'right'],
  )
}

/**
 * What a terminal shows of a finished run: the front, the choices under budgets, the comparison, and what to do next.
 *
 * @param run the run's directory, for the commands
 * @param quiet leaves out what to do next
 */
export function renderTable(report: RunReport, run = 'runs/quickstart', quiet = false): string {
  const { ancestor, backend, choice, descendants, images, seed, storage, workers } = report
  const chosen = descendants.find(({ path }) => path === choice.path)!
  const front = descendants.filter((row) => row.pareto || row === chosen).sort((a, b) => a.macs - b.macs)
  return [
    `The Pareto front of ${descendants.length} models (chosen on ${images.validation} validation images; > the choice under ${budgetText(choice.budget)})`,
    descendantsTable(front, choice.path),
    '',
    ...choicesLines(report),
    ...comparisonLines(report),
    `ancestor: ${formatShare(ancestor.testAccuracy)} test accuracy, ${formatCount(ancestor.macs)} MACs, ${formatCount(ancestor.parameters)} parameters`,
    `chosen:   ${formatShare(chosen.testAccuracy)} test accuracy, ${formatCount(chosen.macs)} MACs (${formatShare(chosen.macs / ancestor.macs, 0)} of the ancestor's), ${formatCount(chosen.parameters)} parameters`,
    `family:   ${storage.pool.models} models of ${formatCount(storage.pool.parameters)} stored parameters; untrained after ${durationText(untrainedSeconds(report))}, all done after ${durationText(totalSeconds(report))}`,
    `checked:  ${choice.file} in a new process, logits of ${choice.comparedImages} images within ${formatDifference(choice.logitDifference)}; seed ${seed}, ${backend.name}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    `page:     ${join(run, 'report.html')}`,
    ...(quiet ? [] : ['', 'next:', ...nextCommands(report, run).map((command) => `  ${command}`)]),
  ].join('\n')
}

/** What is useful next with a finished run: a smaller model, the one that was chosen, and its use. */
export function nextCommands({ command, choice, descendants }: RunReport, run: string): string[] {
  const chosen = descendants.find(({ path }) => path === choice.path)!
  // Half of the chosen model's, where the family has anything so small.
  const macs = Math.max(chosen.macs / 2, 1.01 * Math.min(...descendants.map(({ macs }) => macs)))
  return [
    commandText('search', run, '--budget', `macs=${formatCount(macs).replace(' ', '')}`),
    commandText('extract', run, '--path', choice.path),
    command === 'run' ? commandText('classify', run, 'PICTURE.jpg') : commandText('evaluate', run),
    commandText('studio', run),
  ]
}

function choicesLines({ choices, descendants }: RunReport): string[] {
  if (choices.length === 0) return []
  const rows = choices.map(({ budget, path, macs, testAccuracy }) => {
    const row = descendants.find((row) => row.path === path)
    return [formatBudget(budget), path, formatCount(macs), row ? formatShare(row.untrainedAccuracy) : '', formatShare(testAccuracy)]
  })
  return [textTable(['budget', 'best', 'MACs', 'untrained', 'test'], rows, ['left', 'left', 'right', 'right', 'right']), '']
}

function comparisonLines({ comparison }: RunReport): string[] {
  if (comparison.length === 0) return []
  const rows = comparison.map(({ name, macs, testAccuracy }) => [name, formatCount(macs), formatShare(testAccuracy)])
  return [textTable(['beside the family', 'MACs', 'test'], rows, ['left', 'right', 'right']), '']
}
