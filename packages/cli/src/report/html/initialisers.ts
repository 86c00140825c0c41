import type { QuickstartReport } from '../../quickstart/report.js'
import { formatShare } from '../text.js'
import { linearAxis } from './axis.js'
import { type Html, html } from './html.js'

const WIDTH = 500
const ROW = 42
const LEFT = 116
const RIGHT = WIDTH - 70

const MEANINGS: { readonly [name: string]: string } = {
  learned: 'from the transformation matrices that distillation trained',
  leastSquares: 'regressed on features of training images, as SN-Net does',
  ridge: 'least squares pulled toward the learned map',
  random: 'drawn, the control',
  paper: 'from the mean transformation matrices, as published',
  pinv: 'from the pseudo-inverse of transformation matrices',
  identity: 'the identity',
}

/** Stitches before fine-tuning: a bar for each initialiser's mean accuracy, a dot for each descendant. */
export function initialiserChart({ initialisers: { rows } }: QuickstartReport): Html {
  const most = Math.max(
    0,
    ...rows.flatMap(({ meanAccuracy, descendants }) => [meanAccuracy, ...descendants.map(({ accuracy }) => accuracy)]),
  )
  const x = linearAxis([0, most], [LEFT, RIGHT], { ceiling: 1 })
  const height = rows.length * ROW + 34
  const bottom = rows.length * ROW + 6
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Mean accuracy of stitched descendants by initialiser">
<g class="grid">${x.ticks.map((tick) => html`<line x1="${fixed(x.position(tick))}" x2="${fixed(x.position(tick))}" y1="4" y2="${bottom}"/>`)}</g>
<g class="ticks">${x.ticks.map((tick) => html`<text x="${fixed(x.position(tick))}" y="${bottom + 20}" text-anchor="middle">${Math.round(100 * tick)} %</text>`)}</g>
${rows.map(({ name, meanAccuracy, descendants }, i) => {
  const middle = i * ROW + ROW / 2 + 4
  const end = fixed(x.position(meanAccuracy))
  return html`<text class="label" x="${LEFT - 10}" y="${middle + 5}" text-anchor="end">${name}</text>
<rect class="bar${i === 0 ? ' first' : ''}" x="${LEFT}" y="${middle - 13}" width="${Math.max(1, end - LEFT)}" height="26" rx="3"><title>${name}: mean ${formatShare(meanAccuracy, 2)}</title></rect>
${descendants.map(({ path, accuracy }, k) => html`<circle class="dot" cx="${fixed(x.position(accuracy))}" cy="${fixed(middle - 8 + 16 * ((k * 0.618) % 1))}" r="2.6"><title>${path}: ${formatShare(accuracy, 2)}</title></circle>`)}
<text class="value" x="${fixed(Math.max(end, x.position(Math.max(...descendants.map(({ accuracy }) => accuracy), 0)))) + 10}" y="${middle + 5}">${formatShare(meanAccuracy)}</text>`
})}
</svg>`
}

export function initialiserTable({ initialisers: { rows } }: QuickstartReport): Html {
  return html`<div class="scroll"><table>
<thead><tr><th>stitches</th><th class="number">mean accuracy</th><th class="number">residual</th><th>where they come from</th></tr></thead>
<tbody>${rows.map(
    ({
      name,
      meanAccuracy,
      meanResidual,
    }) => html`<tr><td><code>${name}</code></td><td class="number">${formatShare(meanAccuracy)}</td><td class="number">${meanResidual.toFixed(3)}</td><td class="prose">${MEANINGS[name] ?? ''}</td></tr>
`,
  )}</tbody>
</table></div>`
}

const fixed = (value: number) => Math.round(value * 100) / 100
