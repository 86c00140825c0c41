import type { DescendantRow, QuickstartReport } from '../../quickstart/report.js'
import { formatCount, formatShare } from '../text.js'
import { type Axis, linearAxis, logAxis } from './axis.js'
import { type Html, html } from './html.js'
import { placeLabel } from './place-label.js'

const WIDTH = 760
const HEIGHT = 440
const LEFT = 62
const RIGHT = WIDTH - 30
const TOP = 18
const BOTTOM = HEIGHT - 52
/** From this ratio of largest to smallest MACs on the axis is logarithmic. */
const LOGARITHMIC_FROM = 8

export type AccuracyMeasure = 'testAccuracy' | 'validationAccuracy'

/** Accuracy over MACs: one point per descendant, the Pareto front, the chosen one, and the ancestor. */
export function accuracyPlot(report: QuickstartReport, measure: AccuracyMeasure): Html {
  const { ancestor, choice, descendants } = report
  const macs = [...descendants.map(({ macs }) => macs), ancestor.macs]
  const shares = [...descendants.map((row) => row[measure]), ancestor.testAccuracy]
  const x = macsAxis(Math.min(...macs), Math.max(...macs))
  const y = linearAxis([Math.min(...shares), Math.max(...shares)], [BOTTOM, TOP], { floor: 0, ceiling: 1 })
  const at = (row: DescendantRow) => [x.position(row.macs), y.position(row[measure])] as const
  const front = descendants.filter(({ pareto }) => pareto).sort((a, b) => a.macs - b.macs)
  const chosen = descendants.filter(({ path }) => path === choice.path)
  const others = descendants.filter(({ path }) => path !== choice.path)
  const label = (text: string, row: DescendantRow, kind: string, size: number, gap: number) => {
    const others = descendants.filter((other) => other !== row).map(at)
    const { x, y, anchor } = placeLabel(text, at(row), others, { size, gap, left: LEFT, right: RIGHT })
    return html`<text class="label${kind}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${text}</text>`
  }
  const ancestorY = fixed(y.position(ancestor.testAccuracy))
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Accuracy over MACs of ${descendants.length} descendants">
${frame(x, y, measure, report)}
<line class="ancestor" x1="${LEFT}" x2="${RIGHT}" y1="${ancestorY}" y2="${ancestorY}"/>
<text class="ancestor-label" x="${LEFT + 8}" y="${ancestorY - 7}">ancestor ${formatShare(ancestor.testAccuracy)}${measure === 'testAccuracy' ? '' : ' (test)'}</text>
<polyline class="front" points="${front.map((row) => at(row).map(fixed).join(',')).join(' ')}"/>
${others.map((row) => point(row, at(row), measure))}
${star(x.position(ancestor.macs), ancestorY, `ancestor: ${ancestor.depth} blocks of width ${ancestor.width}\n${sizeText(ancestor)}\ntest ${formatShare(ancestor.testAccuracy, 2)}`)}
${chosen.map((row) => html`<circle class="ring" cx="${fixed(at(row)[0])}" cy="${fixed(at(row)[1])}" r="11"/>${point(row, at(row), measure)}`)}
${descendants.filter((row) => !row.stitched && row.path !== choice.path).map((row) => label(row.path.replace(/\[.*$/, ''), row, '', 12.5, 11))}
${chosen.map((row) => label('chosen', row, ' strong', 14, 15))}
</svg>`
}

function macsAxis(least: number, most: number): Axis {
  if (most / least > LOGARITHMIC_FROM) return logAxis([least, most], [LEFT, RIGHT])
  const margin = 0.05 * (most - least)
  return linearAxis([Math.max(0, least - margin), most + margin], [LEFT, RIGHT], { count: 8, floor: 0 })
}

function frame(x: Axis, y: Axis, measure: AccuracyMeasure, { images }: QuickstartReport): Html {
  const on = measure === 'testAccuracy' ? `${images.test} test images` : `${images.validation} validation images`
  return html`<g class="grid">
${y.ticks.map((tick) => html`<line x1="${LEFT}" x2="${RIGHT}" y1="${fixed(y.position(tick))}" y2="${fixed(y.position(tick))}"/>`)}
${x.ticks.map((tick) => html`<line x1="${fixed(x.position(tick))}" x2="${fixed(x.position(tick))}" y1="${TOP}" y2="${BOTTOM}"/>`)}
</g>
<g class="ticks">
${y.ticks.map((tick) => html`<text x="${LEFT - 8}" y="${fixed(y.position(tick)) + 4}" text-anchor="end">${percent(tick)}</text>`)}
${x.ticks.map((tick) => html`<text x="${fixed(x.position(tick))}" y="${BOTTOM + 20}" text-anchor="middle">${tickCount(tick)}</text>`)}
</g>
<g class="titles">
<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">multiply-accumulates of one image (MACs)</text>
<text class="vertical" transform="translate(14 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">accuracy on ${on}</text>
</g>`
}

function point(row: DescendantRow, [x, y]: readonly [number, number], measure: AccuracyMeasure): Html {
  const kind = `${row.stitched ? 'stitched' : 'single'}${row.pareto ? ' pareto' : ''}`
  const title = html`<title>${row.path}
${sizeText(row)}
${measure === 'testAccuracy' ? 'test' : 'validation'} ${formatShare(row[measure], 2)}${row.pareto ? '\non the Pareto front' : ''}</title>`
  return row.stitched
    ? html`<circle class="${kind}" cx="${fixed(x)}" cy="${fixed(y)}" r="5.5">${title}</circle>`
    : html`<rect class="${kind}" x="${fixed(x - 6)}" y="${fixed(y - 6)}" width="12" height="12" transform="rotate(45 ${fixed(x)} ${fixed(y)})">${title}</rect>`
}

function star(x: number, y: number, title: string): Html {
  const corners = Array.from({ length: 10 }, (_, i) => {
    const [angle, radius] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 === 0 ? 9 : 4]
    return `${fixed(x + radius * Math.cos(angle))},${fixed(y + radius * Math.sin(angle))}`
  })
  return html`<polygon class="star" points="${corners.join(' ')}"><title>${title}</title></polygon>`
}

/** The shapes and colours of the plot. */
export function legend(): Html {
  const item = (shape: Html, text: string) =>
    html`<li><svg viewBox="-10 -10 20 20" width="18" height="18" aria-hidden="true">${shape}</svg>${text}</li>`
  return html`<ul class="legend">
${item(html`<rect class="single pareto" x="-5" y="-5" width="10" height="10" transform="rotate(45)"/>`, 'one tier')}
${item(html`<circle class="stitched pareto" r="5.5"/>`, 'stitched')}
${item(html`<circle class="stitched" r="5.5"/>`, 'dominated')}
${item(html`<polyline class="front" points="-9,5 0,-1 9,-4"/>`, 'Pareto front')}
${item(html`<circle class="ring" r="8"/>`, 'chosen under the budget')}
${item(html`<polygon class="star" points="0,-9 2.4,-3.2 8.6,-2.8 3.8,1.2 5.3,7.3 0,4 -5.3,7.3 -3.8,1.2 -8.6,-2.8 -2.4,-3.2"/>`, 'ancestor')}
</ul>`
}

function sizeText({ macs, parameters }: { macs: number; parameters: number }): string {
  return `${formatCount(macs)} MACs, ${formatCount(parameters)} parameters`
}

const fixed = (value: number) => Math.round(value * 100) / 100
const percent = (share: number) => `${Number((100 * share).toFixed(2))} %`
const tickCount = (value: number) => formatCount(value).replace(/\.(\d*?)0+ /, (_, digits) => (digits ? `.${digits} ` : ' '))
