import type { RunReport } from '@learngene/recipe/reports'
import { formatShare } from '../text.js'
import { linearAxis } from './axis.js'
import { type Html, html } from './html.js'
import { scrollable } from './tables.js'

const WIDTH = 500
const ROW = 50
const LEFT = 22
const RIGHT = WIDTH - 76
/** What fits above a bar. */
const MOST_CHARACTERS = 62

const MEANINGS: { readonly [name: string]: string } = {
  learned: 'from the transformation matrices that inheriting made or distillation trained',
  leastSquares: 'regressed on features of training images, as SN-Net does',
  ridge: 'least squares pulled toward the learned map',
  random: 'drawn, the control',
  paper: 'from the mean transformation matrices, as published',
  pinv: 'from the pseudo-inverse of transformation matrices',
  identity: 'the identity',
}

/** Stitches before fine-tuning: a bar for each initialiser's mean accuracy under its name, a dot for each descendant. */
export function initialiserChart({ initialisers: { rows } }: RunReport): Html {
  const most = Math.max(
    0,
    ...rows.flatMap(({ meanAccuracy, descendants }) => [meanAccuracy, ...descendants.map(({ accuracy }) => accuracy)]),
  )
  const x = linearAxis([0, most], [LEFT, RIGHT], { ceiling: 1 })
  const bottom = rows.length * ROW + 6
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + 28}" role="img" aria-label="Mean accuracy of stitched descendants by initialiser">
<g class="grid">${x.ticks.map((tick) => html`<line x1="${fixed(x.position(tick))}" x2="${fixed(x.position(tick))}" y1="4" y2="${bottom}"/>`)}</g>
<g class="ticks">${x.ticks.map((tick) => html`<text x="${fixed(x.position(tick))}" y="${bottom + 20}" text-anchor="middle">${Math.round(100 * tick)} %</text>`)}</g>
${rows.map(({ name, meanAccuracy, descendants }, i) => {
  const [top, middle] = [i * ROW, i * ROW + 34]
  const end = fixed(x.position(meanAccuracy))
  return html`<text class="label" x="${LEFT}" y="${top + 16}">${shortened(name)}</text>
<rect class="bar${i === 0 ? ' first' : ''}" x="${LEFT}" y="${middle - 11}" width="${Math.max(1, end - LEFT)}" height="22" rx="3"><title>${name}: mean ${formatShare(meanAccuracy, 2)}</title></rect>
${descendants.map(({ path, accuracy }, k) => html`<circle class="dot" cx="${fixed(x.position(accuracy))}" cy="${fixed(middle - 7 + 14 * ((k * 0.618) % 1))}" r="2.6"><title>${path}: ${formatShare(accuracy, 2)}</title></circle>`)}
<text class="value" x="${fixed(Math.max(end, x.position(Math.max(...descendants.map(({ accuracy }) => accuracy), 0)))) + 10}" y="${middle + 5}">${formatShare(meanAccuracy)}</text>`
})}
</svg>`
}

export function initialiserTable({ initialisers: { rows } }: RunReport): Html {
  return scrollable(
    'Stitches by initialiser',
    html`<table>
<thead><tr><th>stitches</th><th class="number">mean accuracy</th><th class="number">residual</th><th>where they come from</th></tr></thead>
<tbody>${rows.map(
      ({ name, meanAccuracy, meanResidual }) =>
        html`<tr><td class="prose">${name}</td><td class="number">${formatShare(meanAccuracy)}</td><td class="number">${meanResidual.toFixed(3)}</td><td class="prose long">${MEANINGS[name] ?? ''}</td></tr>
`,
    )}</tbody>
</table>`,
  )
}

const fixed = (value: number) => Math.round(value * 100) / 100
const shortened = (name: string) => (name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name)
