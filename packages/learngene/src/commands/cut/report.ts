import { formatBudget } from '@learngene/budget-search'
import { freeName } from '../../report/free-name.js'
import { commandText } from '../../report/next.js'
import { formatCount, formatShare, textTable } from '../../report/text.js'
import type { CutOptions } from './ancestor.js'
import type { CutReport, Finalist, SizeRow, SizesReport, WrittenFile } from './cut-model.js'
import { sizeName } from './sizes.js'

/** What is printed of a result, and the commands that are useful next, the first above all. */
export interface Shown {
  readonly text: string
  readonly next: readonly string[]
}

/** Of a table of plain slices, the divergence up to which a size is worth cutting. */
const WORTHWHILE = 0.1

export function cutText(report: CutReport, options: CutOptions): Shown {
  const { ancestor, untrained, epochs, fitted, judged, chosen, depth, heads, rotated } = report
  const kept = `keeps ${formatShare(report.keptEnergy)} of the energy`
  const blocks = depth < ancestor.depth ? `; of the blocks 0 to ${ancestor.depth - 1} it keeps ${report.standsFor.join(', ')}` : ''
  const lines = [
    ...(chosen ? [chosenText(chosen, options)] : []),
    `${sizeName(report)}, ${heads} ${heads === 1 ? 'head' : 'heads'}, ${fitted ? 'fitted' : 'a plain slice'}: ${costText(report, ancestor)}`,
    `${kept}${blocks}`,
  ]
  if (judged) {
    const before = epochs > 0 ? ` (${figuresText(untrained)} before ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} of training)` : ''
    const reference = ancestor.accuracy === null ? '' : `; the model itself ${formatShare(ancestor.accuracy)}`
    lines.push(`${figuresText(report)}${before}, on ${judged.count} images of ${judged.images}${reference}`)
  }
  if (rotated) lines.push(wroteText(rotated))
  return { text: [...lines, wroteText(report)].join('\n'), next: nextAfterCut(report, options) }
}

function chosenText({ candidates, judged, finalists }: NonNullable<CutReport['chosen']>, { budget, fit = true }: CutOptions): string {
  const [best, second] = finalists as readonly [Finalist, Finalist?]
  const how = judged
    ? `least KL to the model on ${judged.count} images of ${judged.images}, of the ${finalists.length} ${fit ? 'fitted' : 'sliced'} sizes with the least predicted KL`
    : 'least predicted KL, without images to measure by'
  const figure = (size: Finalist) => `${sizeName(size)} (KL ${(size.divergence ?? size.predictedDivergence).toPrecision(2)})`
  const runnerUp = second ? `; runner-up ${figure(second)}` : ''
  return `chosen within ${formatBudget(budget!)}: ${figure(best)}, ${how}, of ${candidates} that nothing within the budget exceeds in width and depth${runnerUp}`
}

export function sizesText(report: SizesReport, options: CutOptions): Shown {
  const { sizes, ancestor, drops, fitted, judged, rotated } = report
  const labelled = ancestor.accuracy !== null
  const rows = sizes.map((size) => [
    ...[String(size.width), String(size.depth), formatCount(size.macs), formatCount(size.parameters), formatShare(size.keptEnergy)],
    ...(judged ? [size.divergence!.toFixed(4)] : []),
    ...(labelled ? [formatShare(size.accuracy!)] : []),
  ])
  const headings = ['width', 'blocks', 'MACs', 'parameters', 'energy', ...(judged ? ['KL'] : []), ...(labelled ? ['accuracy'] : [])]
  const kind = fitted ? 'Fitted cuts' : 'Plain slices, before the fit'
  const lines = [
    textTable(
      headings,
      rows,
      headings.map(() => 'right'),
    ),
    '',
    judged
      ? `${kind}; KL to the model${labelled ? ' and accuracy' : ''} on ${judged.count} images of ${judged.images}.`
      : 'No images: nothing is measured.',
    ...(labelled ? [`The model itself: ${formatShare(ancestor.accuracy!)}.`] : []),
    `Blocks go in this order (KL after each, full width): ${drops.map(({ block, divergence }) => `${block} (${divergence.toFixed(3)})`).join(', ')}`,
    ...(rotated ? [wroteText(rotated)] : []),
  ]
  const { width, depth } = worthwhile(sizes)
  const model = rotated?.file ?? options.model
  const size = ['--width', width, '--blocks', depth, '--out', freeName('small.safetensors')]
  return { text: lines.join('\n'), next: [command(model, options, size)] }
}

export function rotatedText({ rotated }: { readonly rotated: WrittenFile }, options: CutOptions): Shown {
  return { text: `${wroteText(rotated)}: the same model in principal order`, next: [command(rotated.file, options, ['--list'])] }
}

/** The cheapest size that keeps most, or the one that keeps most. */
function worthwhile(sizes: readonly SizeRow[]): SizeRow {
  const loss = ({ divergence, keptEnergy }: SizeRow) => divergence ?? 1 - keptEnergy
  const cheapest = [...sizes].sort((a, b) => a.macs - b.macs)
  return cheapest.find((size) => loss(size) <= WORTHWHILE) ?? cheapest.sort((a, b) => loss(a) - loss(b))[0]!
}

/** How good the cut is where images with labels are at hand, else what it sees; and a training, where there was none. */
function nextAfterCut({ file, epochs, width, depth, heads, ancestor, accuracy }: CutReport, options: CutOptions): string[] {
  const { images, test = images } = options
  const evaluated = commandText('evaluate', file, ...(test === undefined ? [] : ['--images', test]))
  const used = accuracy === null ? commandText('classify', file, images ?? 'PICTURE.jpg') : evaluated
  const size = ['--width', width, '--blocks', depth, ...(heads === ancestor.heads ? [] : ['--heads', heads])]
  return [used, ...(epochs > 0 ? [] : [command(options.model, options, [...size, '--epochs', 1, '--out', file])])]
}

/** The same command with other arguments. */
function command(model: string, { images, test }: CutOptions, args: readonly (string | number)[]): string {
  const folders = [...(images === undefined ? [] : ['--images', images]), ...(test === undefined ? [] : ['--test', test])]
  return commandText('cut', model, ...folders, ...args)
}

function costText({ macs, parameters }: SizeRow, ancestor: SizeRow): string {
  const of = (value: number, whole: number) => `${formatCount(value)} of ${formatCount(whole)}`
  return `${of(macs, ancestor.macs)} MACs (${formatShare(macs / ancestor.macs)}), ${of(parameters, ancestor.parameters)} parameters`
}

function figuresText({ divergence, accuracy }: Pick<SizeRow, 'divergence' | 'accuracy'>): string {
  return `KL ${divergence!.toFixed(4)}${accuracy === null ? '' : `, accuracy ${formatShare(accuracy)}`}`
}

function wroteText({ file, bytes }: WrittenFile): string {
  return `wrote ${file} (${formatCount(bytes)}B)`
}
