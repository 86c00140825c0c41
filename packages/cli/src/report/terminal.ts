import { formatBudget } from '@learngene/budget-search'
import { durationText } from '../progress/clock-text.js'
import type { DescendantRow, QuickstartReport } from '../quickstart/report.js'
import { formatChange, formatCount, formatDifference, formatShare, textTable } from './text.js'
import { totalSeconds } from './total-seconds.js'

/** Descendants by row: path, parameters, MACs, accuracies, `*` where on the Pareto front, `>` where chosen. */
export function descendantsTable(rows: readonly DescendantRow[], chosen: string): string {
  return textTable(
    ['', 'path', 'parameters', 'MACs', 'validation', 'test', 'Pareto'],
    rows.map((row) => [
      row.path === chosen ? '>' : '',
      row.path,
      formatCount(row.parameters),
      formatCount(row.macs),
      formatShare(row.validationAccuracy),
      formatShare(row.testAccuracy),
      row.pareto ? '*' : '',
    ]),
    ['left', 'left', 'right', 'right', 'right', 'right', 'left'],
  )
}

/** What a terminal shows of a finished quickstart. */
export function renderTable(report: QuickstartReport): string {
  const { ancestor, choice, descendants, images, initialisers, storage } = report
  const chosen = descendants.find(({ path }) => path === choice.path)!
  const stitches = textTable(
    ['stitches', 'mean accuracy', 'residual'],
    initialisers.rows.map((row) => [row.name, formatShare(row.meanAccuracy), row.meanResidual.toFixed(3)]),
    ['left', 'right', 'right'],
  )
  const stored = textTable(
    ['storage', 'parameters', 'models', 'smallest: parameters', 'MACs'],
    (
      [
        ['pool', storage.pool],
        [`SN-Net (${storage.snnet.anchors})`, storage.snnet],
      ] as const
    ).map(([name, { parameters, models, smallest }]) => [
      name,
      formatCount(parameters),
      String(models),
      formatCount(smallest.parameters),
      formatCount(smallest.macs),
    ]),
    ['left', 'right', 'right', 'right', 'right'],
  )
  return [
    `Stitched descendants before any fine-tuning, on ${initialisers.images} validation images`,
    stitches,
    '',
    `All ${descendants.length} descendants after fine-tuning (${images.validation} validation and ${images.test} test images; * Pareto front, > chosen)`,
    descendantsTable(descendants, choice.path),
    '',
    stored,
    `pool against SN-Net: storage ${formatChange(storage.pool.parameters, storage.snnet.parameters)}, smallest model ${formatChange(storage.pool.smallest.parameters, storage.snnet.smallest.parameters)} parameters and ${formatChange(storage.pool.smallest.macs, storage.snnet.smallest.macs)} MACs`,
    '',
    `ancestor: ${formatShare(ancestor.testAccuracy)} test accuracy, ${formatCount(ancestor.parameters)} parameters, ${formatCount(ancestor.macs)} MACs`,
    `chosen under ${formatBudget(choice.budget)}: ${chosen.path}, ${formatShare(chosen.testAccuracy)} test accuracy, ${formatCount(chosen.parameters)} parameters, ${formatCount(chosen.macs)} MACs`,
    choice.why,
    `extracted and reloaded in a new process: logits of ${choice.comparedImages} images differ by ${formatDifference(choice.logitDifference)} at most`,
    `seed ${report.seed}, ${report.backend.name}, ${report.workers} workers, ${durationText(totalSeconds(report))}`,
  ].join('\n')
}
