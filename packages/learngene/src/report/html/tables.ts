import { formatBudget } from '@learngene/budget-search'
import type { AuxiliaryRow, DescendantRow, RunReport } from '@learngene/recipe/reports'
import { formatChange, formatCount, formatShare } from '../text.js'
import { type Html, html } from './html.js'

/** A wide table that scrolls inside its section, by touch and by the arrow keys. */
export function scrollable(name: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">${table}</div>`
}

/** Headings, those of numbers to the right. */
function headings(...columns: readonly (string | readonly [number: string])[]): Html {
  return html`<thead><tr>${columns.map((column) => (typeof column === 'string' ? html`<th>${column}</th>` : html`<th class="number">${column[0]}</th>`))}</tr></thead>`
}

const number = (text: string | number) => html`<td class="number">${text}</td>`

/** A bar as long as a share of the cell. */
export function meter(share: number, kind = ''): Html {
  return html`<div class="meter ${kind}" style="width:${(100 * share).toFixed(1)}%"></div>`
}

/** All descendants; a click on a heading sorts by it where scripts may run. */
export function descendantsTable({ descendants, choice }: RunReport): Html {
  const heading = (text: string, kind = 'number') => html`<th class="${kind}" aria-sort="none">${text}</th>`
  return scrollable(
    'All descendants',
    html`<table class="sortable">
<thead><tr>${heading('#')}${heading('path', '')}${heading('MACs')}${heading('params')}${heading('memory')}${heading('untrained')}${heading('validation')}${heading('test')}${heading('Pareto', '')}</tr></thead>
<tbody>
${descendants.map((row) => descendantRow(row, row.path === choice.path))}</tbody>
</table>`,
  )
}

function descendantRow(row: DescendantRow, chosen: boolean): Html {
  const cell = (value: number, text: string) => html`<td class="number" data-value="${value}" title="${value}">${text}</td>`
  return html`<tr class="${chosen ? 'chosen' : ''}">${cell(row.id, String(row.id))}<td><code>${row.path}</code>${chosen ? html` <b class="tag">chosen</b>` : ''}</td>${cell(row.macs, formatCount(row.macs))}${cell(row.parameters, formatCount(row.parameters))}${cell(row.memory, `${formatCount(row.memory)}B`)}${cell(row.untrainedAccuracy, formatShare(row.untrainedAccuracy, 2))}${cell(row.validationAccuracy, formatShare(row.validationAccuracy))}${cell(row.testAccuracy, formatShare(row.testAccuracy, 2))}<td data-value="${row.pareto ? 0 : 1}">${row.pareto ? 'yes' : ''}</td></tr>
`
}

/** The best descendant within each of a few budgets. */
export function choicesTable({ ancestor, choices, descendants }: RunReport): Html {
  return scrollable(
    'The best within each budget',
    html`<table>
${headings('budget', 'best descendant', ['MACs'], ["of the ancestor's"], ['untrained'], ['test'])}
<tbody>${choices.map(({ budget, path, macs, testAccuracy }) => {
      const row = descendants.find((row) => row.path === path)
      return html`<tr><td>${formatBudget(budget)}</td><td><code>${path}</code></td>${number(formatCount(macs))}${number(formatShare(macs / ancestor.macs))}${number(row ? formatShare(row.untrainedAccuracy, 2) : '')}${number(formatShare(testAccuracy, 2))}</tr>
`
    })}</tbody>
</table>`,
  )
}

/** The tiers: where they came from, what they keep, what they were trained. */
export function tiersTable({ auxiliaries, ancestor, fineTuning }: RunReport): Html {
  return scrollable(
    'The tiers',
    html`<table>
${headings('tier', 'start', 'blocks', ['params'], ['MACs'], ['energy'], ['untrained'], ['steps'], ['loss'])}
<tbody>${auxiliaries.map(
      (tier) =>
        html`<tr><td><code>${tier.name}</code></td><td>${STARTS[tier.start]}</td><td>${blocksText(tier.standsFor, ancestor.depth)}</td>${number(formatCount(tier.parameters))}${number(formatCount(tier.macs))}${number(formatShare(tier.keptEnergy))}${number(formatShare(tier.untrainedAccuracy, 2))}${number(tier.steps)}${number(lossText(tier))}</tr>
`,
    )}<tr class="total"><td colspan="7">the pool, from <code>${fineTuning.initialiser}</code> stitches</td>${number(fineTuning.steps)}${number(lossText(fineTuning))}</tr></tbody>
</table>`,
  )
}

const STARTS: { readonly [start in AuxiliaryRow['start']]: string } = {
  inherit: 'inherited',
  random: 'random',
  ancestor: 'the ancestor',
}

/** Blocks as ranges: all 12, or 0-2, 4, 10-11. */
export function blocksText(blocks: readonly number[], depth: number): string {
  if (blocks.length === depth && blocks.every((block, i) => block === i)) return `all ${depth}`
  const ranges: [number, number][] = []
  for (const block of blocks) {
    const last = ranges.at(-1)
    if (last && block === last[1] + 1) last[1] = block
    else ranges.push([block, block])
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ')
}

function lossText({ firstLoss, lastLoss }: { firstLoss: number | null; lastLoss: number | null }): string {
  return firstLoss === null || lastLoss === null ? '' : `${Number(firstLoss.toPrecision(3))} → ${Number(lastLoss.toPrecision(3))}`
}

/** What each width keeps of the ancestor's residual stream: what a cut will cost, seen beforehand. */
export function energiesTable({ inheriting: { energies } }: RunReport): Html {
  return scrollable(
    'Energy kept by width',
    html`<table>
${headings(['width'], ['energy kept'], '')}
<tbody>${energies.map(({ width, kept }) => html`<tr>${number(width)}${number(formatShare(kept))}<td class="bar-cell">${meter(kept)}</td></tr>\n`)}</tbody>
</table>`,
  )
}

/** Models that are no descendants, each beside the best descendant by validation accuracy that takes no more MACs. */
export function comparisonTable({ comparison, descendants }: RunReport): Html {
  return scrollable(
    'Beside the family',
    html`<table>
${headings('model', ['MACs'], ['test'], ['best descendant within its MACs'], 'how it was made')}
<tbody>${comparison.map(({ name, macs, testAccuracy, note }) => {
      const [best] = descendants.filter((row) => row.macs <= macs).sort((a, b) => b.validationAccuracy - a.validationAccuracy)
      return html`<tr><td class="prose">${name}</td>${number(formatCount(macs))}${number(formatShare(testAccuracy, 2))}${number(best ? formatShare(best.testAccuracy, 2) : 'none so small')}<td class="prose long">${note}</td></tr>
`
    })}</tbody>
</table>`,
  )
}

/** The pool's storage beside SN-Net's. */
export function storageTable({ storage: { pool, snnet } }: RunReport): Html {
  const row = (name: string, { parameters, models, smallest }: typeof pool, kind: string) =>
    html`<tr><td class="prose">${name}</td>${number(formatCount(parameters))}<td class="bar-cell">${meter(parameters / Math.max(pool.parameters, snnet.parameters), kind)}</td>${number(models)}${number(formatCount(smallest.parameters))}${number(formatCount(smallest.macs))}</tr>
`
  return scrollable(
    'Storage',
    html`<table>
${headings('', ['stored parameters'], '', ['models'], ['smallest: params'], ['MACs'])}
<tbody>${row('learngene pool', pool, 'ours')}${row(`SN-Net: ${snnet.anchors}`, snnet, '')}<tr class="total"><td>difference</td>${number(formatChange(pool.parameters, snnet.parameters))}<td></td>${number(formatChange(pool.models, snnet.models))}${number(formatChange(pool.smallest.parameters, snnet.smallest.parameters))}${number(formatChange(pool.smallest.macs, snnet.smallest.macs))}</tr></tbody>
</table>`,
  )
}
