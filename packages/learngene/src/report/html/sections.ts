import { formatBudget } from '@learngene/budget-search'
import { type RunReport, untrainedSeconds } from '@learngene/recipe/reports'
import { durationText } from '../../progress/clock-text.js'
import { budgetText, formatCount, formatDifference, formatShare, totalSeconds } from '../text.js'
import { type Html, html } from './html.js'
import { meter, scrollable } from './tables.js'

/** The numbers to remember. */
export function headline(report: RunReport): Html {
  const { ancestor, choice, descendants, inheriting, storage } = report
  const chosen = descendants.find(({ path }) => path === choice.path)!
  const card = (value: string, what: string, detail: string) =>
    html`<div class="card"><b>${unbroken(value)}</b><span class="what">${what}</span><span>${unbroken(detail)}</span></div>`
  return html`<div class="cards">
${card(formatShare(chosen.testAccuracy), 'the chosen model, on test images', `${formatCount(chosen.macs)} MACs, ${formatShare(chosen.macs / ancestor.macs, 0)} of the ancestor's, and ${formatCount(chosen.parameters)} parameters`)}
${card(formatShare(ancestor.testAccuracy), 'the ancestor', `${formatCount(ancestor.macs)} MACs, ${formatCount(ancestor.parameters)} parameters`)}
${card(String(storage.pool.models), 'models in one pool', `of ${formatCount(storage.pool.parameters)} stored parameters, from ${formatCount(storage.pool.smallest.macs)} MACs on`)}
${card(durationText(untrainedSeconds(report)), 'the family, untrained', `from ${inheriting.images} images without labels; ${durationText(totalSeconds(report))} in total with training and evaluation`)}
</div>`
}

/** Keeps numbers and their units on one line. */
function unbroken(text: string): string {
  return text.replaceAll(/(\d) (?=[%kMG]|s\b|min\b)/g, '$1\u00a0')
}

/** What was chosen under which budget, and why. */
export function choice({ choice, descendants }: RunReport): Html {
  const chosen = descendants.find(({ path }) => path === choice.path)!
  return html`${scrollable(
    'The choice',
    html`<table class="facts"><tbody>
<tr><td>budget</td><td><code>${budgetText(choice.budget)}</code></td></tr>
<tr><td>chosen</td><td><code>${choice.path}</code></td></tr>
<tr><td>cost</td><td>${formatCount(chosen.macs)} MACs, ${formatCount(chosen.parameters)} parameters, ${formatCount(chosen.memory)}B of memory</td></tr>
<tr><td>accuracy</td><td>${formatShare(chosen.validationAccuracy)} on validation images, ${formatShare(chosen.testAccuracy, 2)} on test images (untrained ${formatShare(chosen.untrainedAccuracy, 2)})</td></tr>
<tr><td>model file</td><td><code>${choice.file}</code></td></tr>
<tr><td>checked</td><td>reloaded in a new process: logits of ${choice.comparedImages} images differ by ${formatDifference(choice.logitDifference)} at most (relative)</td></tr>
</tbody></table>`,
  )}
<p class="why">${choice.why}.</p>`
}

export function times(report: RunReport): Html {
  const stages = Object.entries(report.times).filter(([stage]) => stage !== 'total')
  const longest = Math.max(...stages.map(([, seconds]) => seconds))
  return scrollable(
    'Time by stage',
    html`<table><tbody>
${stages.map(
  ([stage, seconds]) =>
    html`<tr><td class="prose">${stage}</td><td class="number">${durationText(seconds)}</td><td class="bar-cell">${meter(seconds / longest)}</td></tr>
`,
)}<tr class="total"><td>total</td><td class="number">${durationText(totalSeconds(report))}</td><td></td></tr>
</tbody></table>`,
  )
}

/** The command that makes the same report but for its times. */
export function reproduction({ backend, choice, command: name, config, seed, workers }: RunReport): Html {
  const budget = formatBudget(choice.budget)
  const command = `npx learngene ${name} --seed ${seed} --backend ${backend.name} --workers ${workers}${budget && ` --budget ${budget}`}`
  return html`<pre tabindex="0"><code>${command}</code></pre>
<p class="note">On the same machine and backend it gives the same numbers but for the times. All amounts of work are set by this configuration; give it as
<code>--config FILE</code> where it is not the default.</p>
<details><summary>configuration</summary><pre tabindex="0"><code>${JSON.stringify(config, null, 2)}</code></pre></details>`
}
