import { formatBudget } from '@learngene/budget-search'
import { durationText } from '../../progress/clock-text.js'
import { type Best, type Difference, differences, type Run, type RunSummary } from '../compare-runs.js'
import { budgetText, formatCount, formatShare } from '../text.js'
import { comparisonPicture } from './compare-picture.js'
import { type Html, html } from './html.js'
import { classOfRun, shape, shapeOfRun } from './marks.js'
import { page, section } from './page.js'
import { scrollable } from './tables.js'

/**
 * Several runs on one page.
 *
 * @param runs with the summaries that `compareRuns` made of them
 * @param links addresses of the runs' own pages, undefined where one has none
 */
export function renderComparison(runs: readonly Run[], summaries: readonly RunSummary[], links: readonly (string | undefined)[]): string {
  const different = differences(runs)
  return page(
    `Learngene: ${runs.length} runs side by side`,
    html`<h1>${runs.length} runs side by side</h1>
<p class="lead">${leadOf(summaries)}</p>
${section(
  'Accuracy over cost',
  html`<p class="note">Each run's Pareto front of MACs and validation accuracy: models are chosen on validation images, and test images only report.</p>
${comparisonPicture(summaries)}`,
)}
${section('The runs', runsTable(summaries, links))}
${summaries[0]!.best.length === 0 ? '' : section('The best within each budget', html`<p class="note">Test accuracy of the descendant that is best on the run's validation images; in bold the best of all runs.</p>${bestTable(summaries)}`)}
${different.length === 0 ? '' : section('What differs', html`<p class="note">Settings that are not the same in all runs.</p>${differencesTable(summaries, different)}`)}
<footer>All numbers are those of the runs' own reports.</footer>`,
  )
}

/** What makes the numbers comparable, or not. */
function leadOf(summaries: readonly RunSummary[]): string {
  const isSame = (of: (summary: RunSummary) => unknown) => new Set(summaries.map((summary) => JSON.stringify(of(summary)))).size === 1
  const images = summaries[0]!.images.test
  const ancestor = isSame(({ ancestor }) => ancestor) ? 'one ancestor' : 'different ancestors'
  return isSame(({ images }) => images.test)
    ? `Families of ${ancestor}, all tested on ${images} images.`
    : `Families of ${ancestor}, tested on different numbers of images: their accuracies are only roughly comparable.`
}

/** The run's mark in the picture and its name, which leads to its own page. */
function nameOf({ name }: RunSummary, run: number, link?: string): Html {
  const key = html`<svg class="key ${classOfRun(run)}" viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true">${shape(shapeOfRun(run), [0, 0], 5.5, 'trained')}</svg>`
  return html`<span class="named">${key}${link === undefined ? html`<span>${name}</span>` : html`<a href="${link}">${name}</a>`}</span>`
}

const number = (text: string | number) => html`<td class="number">${text}</td>`

function runsTable(summaries: readonly RunSummary[], links: readonly (string | undefined)[]): Html {
  return scrollable(
    'The runs',
    html`<table class="runs">
<thead><tr><th>run</th><th class="number">chosen</th><th class="number">ancestor</th><th class="number">models</th><th class="number">stored params</th><th class="number">time</th><th>tiers</th></tr></thead>
<tbody>${summaries.map(
      (run, i) =>
        html`<tr><td>${nameOf(run, i, links[i])}</td><td class="number">${found(run.chosen)}<br><small>under ${budgetText(run.chosen.budget)}</small></td>${number(formatShare(run.ancestor.testAccuracy, 2))}${number(run.descendants)}${number(formatCount(run.storedParameters))}${number(durationText(run.seconds))}<td class="prose">${run.tiers.join(', ')}</td></tr>
`,
    )}</tbody>
</table>`,
  )
}

/** A descendant's test accuracy over its path and cost. */
function found({ path, macs, testAccuracy }: Best, isBest = false): Html {
  const share = formatShare(testAccuracy, 2)
  return html`${isBest ? html`<b>${share}</b>` : share}<br><small>${breakable(path, '>')}<br>${formatCount(macs)} MACs</small>`
}

/** Code whose lines may end after a separator and nowhere else. */
function breakable(code: string, separator: string): Html {
  const parts = code.split(separator)
  return html`<span class="breakable">${parts.map((part, i) => (i < parts.length - 1 ? html`<code>${part + separator}</code><wbr>` : html`<code>${part}</code>`))}</span>`
}

function bestTable(summaries: readonly RunSummary[]): Html {
  const budgets = summaries[0]!.best.map(({ macs }) => macs)
  const most = budgets.map((_, b) => Math.max(...summaries.map(({ best }) => best[b]!.descendant?.testAccuracy ?? 0)))
  return scrollable(
    'The best within each budget',
    html`<table class="runs">
<thead><tr><th>run</th>${budgets.map((macs) => html`<th class="number">${formatBudget({ macs })}</th>`)}</tr></thead>
<tbody>${summaries.map(
      (run, i) =>
        html`<tr><td>${nameOf(run, i)}</td>${run.best.map(
          ({ descendant }, b) =>
            html`<td class="number">${descendant ? found(descendant, descendant.testAccuracy === most[b]) : html`<small>none so small</small>`}</td>`,
        )}</tr>
`,
    )}</tbody>
</table>`,
  )
}

function differencesTable(summaries: readonly RunSummary[], different: readonly Difference[]): Html {
  return scrollable(
    'What differs',
    html`<table class="runs">
<thead><tr><th>setting</th>${summaries.map((run, i) => html`<th>${nameOf(run, i)}</th>`)}</tr></thead>
<tbody>${different.map(({ setting, values }) => html`<tr><td>${breakable(setting, '.')}</td>${values.map((value) => html`<td class="prose">${value ?? '–'}</td>`)}</tr>\n`)}</tbody>
</table>`,
  )
}
