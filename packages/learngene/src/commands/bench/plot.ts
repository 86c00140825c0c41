import type { BenchResult } from '@learngene/bench'
import { logAxis } from '../../report/html/axis.js'
import { type Html, html } from '../../report/html/html.js'
import { formatMs, nameOf } from './table.js'

const WIDTH = 760
const ROW = 34
const LEFT = 210
const RIGHT = WIDTH - 30
const TOP = 8

interface Mark {
  readonly kind: 'ours' | 'stock' | 'pytorch'
  readonly name: string
  /** Images per second at the median, the third and the first quartile. */
  readonly middle: number
  readonly low: number
  readonly high: number
}

/** Images per second of each line: ours, stock TensorFlow.js and PyTorch, with their quartiles. */
export function speedPlot(results: readonly BenchResult[]): Html {
  const rows = results.filter(({ error }) => error === null)
  const marks = rows.map(marksOf)
  const all = marks.flat().flatMap(({ low, high }) => [low, high])
  const x = logAxis([Math.min(...all), Math.max(...all)], [LEFT, RIGHT])
  const bottom = TOP + rows.length * ROW
  const at = (value: number) => fixed(x.position(value))
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + 52}" role="img" aria-label="Images per second of ${rows.length} lines">
<g class="grid">${x.ticks.map((tick) => html`<line x1="${at(tick)}" x2="${at(tick)}" y1="${TOP}" y2="${bottom}"/>`)}</g>
<g class="ticks">${x.ticks.map((tick) => html`<text x="${at(tick)}" y="${bottom + 20}" text-anchor="middle">${tick}</text>`)}</g>
<g class="titles"><text x="${(LEFT + RIGHT) / 2}" y="${bottom + 44}" text-anchor="middle">images per second, logarithmic</text></g>
${rows.map((row, i) => {
  const y = TOP + i * ROW + ROW / 2
  return html`<text class="label" x="${LEFT - 14}" y="${y + 5}" text-anchor="end">${nameOf(row)}</text>
${marks[i]!.map((mark) => html`<g class="${mark.kind}"><title>${mark.name}: ${formatMs(mark.middle)} images/s (quartiles ${formatMs(mark.low)} to ${formatMs(mark.high)})</title><line x1="${at(mark.low)}" x2="${at(mark.high)}" y1="${y}" y2="${y}"/>${shape(mark.kind, at(mark.middle), y)}</g>`)}`
})}
</svg>`
}

function marksOf({
  batch,
  msMedian,
  spread,
  baselineMsMedian,
  baselineSpread,
  pytorchMsMedian,
  pytorchSpread,
  pytorchDevice,
}: BenchResult): Mark[] {
  const mark = (kind: Mark['kind'], name: string, ms: number | null, quartiles: BenchResult['spread']): Mark[] => {
    if (ms === null || quartiles === null) return []
    const speed = (time: number) => (1000 * batch) / time
    return [{ kind, name, middle: speed(ms), low: speed(quartiles.q3), high: speed(quartiles.q1) }]
  }
  return [
    ...mark('stock', 'stock TensorFlow.js', baselineMsMedian, baselineSpread),
    ...mark('pytorch', `PyTorch, ${pytorchDevice}`, pytorchMsMedian, pytorchSpread),
    ...mark('ours', 'learngene', msMedian, spread),
  ]
}

/** Circle, diamond, square: apart without colours. */
function shape(kind: Mark['kind'], x: number, y: number): Html {
  if (kind === 'ours') return html`<circle cx="${x}" cy="${y}" r="7"/>`
  const turn = kind === 'stock' ? 45 : 0
  return html`<rect x="${fixed(x - 6)}" y="${y - 6}" width="12" height="12" transform="rotate(${turn} ${x} ${y})"/>`
}

export function speedLegend(results: readonly BenchResult[]): Html {
  const item = (kind: Mark['kind'], text: string) =>
    html`<li><svg class="marks" viewBox="-10 -10 20 20" width="18" height="18" aria-hidden="true"><g class="${kind}">${shape(kind, 0, 0)}</g></svg>${text}</li>`
  const has = (key: 'speedup' | 'pytorchRatio') => results.some((result) => result[key] !== null)
  return html`<ul class="legend">${item('ours', 'learngene')}${has('speedup') ? item('stock', 'stock TensorFlow.js') : ''}${has('pytorchRatio') ? item('pytorch', 'PyTorch') : ''}</ul>`
}

const fixed = (value: number) => Math.round(value * 100) / 100
