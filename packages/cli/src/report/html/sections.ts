import { formatBudget } from '@learngene/budget-search'
import { durationText } from '../../progress/clock-text.js'
import type { QuickstartReport } from '../../quickstart/report.js'
import { formatChange, formatCount, formatDifference, formatShare } from '../text.js'
import { totalSeconds } from '../total-seconds.js'
import { type Html, html } from './html.js'

/** The numbers to remember. */
export function headline(report: QuickstartReport): Html {
  const { ancestor, choice, descendants, initialisers, storage } = report
  const chosen = descendants.find(({ path }) => path === choice.path)!
  const card = (value: string, what: string, detail: string) =>
    html`<div class="card"><b>${value}</b><span class="what">${what}</span><span>${unbroken(detail)}</span></div>`
  const [first, ...others] = initialisers.rows
  return html`<div class="cards">
${card(formatShare(chosen.testAccuracy), 'chosen descendant, test accuracy', `${chosen.path}, with ${formatShare(chosen.macs / ancestor.macs, 0)} of the ancestor's MACs; the ancestor has ${formatShare(ancestor.testAccuracy)}`)}
${card(String(descendants.length), 'descendants from one pool', `${descendants.filter(({ pareto }) => pareto).length} of them on the Pareto front`)}
${card(formatChange(storage.pool.parameters, storage.snnet.parameters), 'storage against SN-Net', `${formatCount(storage.pool.parameters)} parameters instead of ${formatCount(storage.snnet.parameters)}`)}
${
  first
    ? card(
        formatShare(first.meanAccuracy),
        `${first.name} stitches, untuned`,
        others.map((row) => `${row.name} ${formatShare(row.meanAccuracy)}`).join(', '),
      )
    : ''
}
</div>`
}

/** Keeps numbers and their units on one line. */
function unbroken(text: string): string {
  return text.replaceAll(/(\d) (?=[%kMG])/g, '$1\u00a0')
}

/** The pool's storage beside SN-Net's. */
export function storageTable({ storage: { pool, snnet } }: QuickstartReport): Html {
  const row = (name: string, { parameters, models, smallest }: typeof pool, kind: string) =>
    html`<tr><td>${name}</td><td class="number">${formatCount(parameters)}</td><td style="width:22%"><div class="meter ${kind}" style="width:${((100 * parameters) / Math.max(pool.parameters, snnet.parameters)).toFixed(1)}%"></div></td><td class="number">${models}</td><td class="number">${formatCount(smallest.parameters)}</td><td class="number">${formatCount(smallest.macs)}</td></tr>
`
  return html`<div class="scroll"><table>
<thead><tr><th></th><th class="number">stored parameters</th><th></th><th class="number">models</th><th class="number">smallest: parameters</th><th class="number">MACs</th></tr></thead>
<tbody>${row('learngene pool', pool, 'ours')}${row(`SN-Net: ${snnet.anchors}`, snnet, '')}<tr class="total"><td>difference</td><td class="number">${formatChange(pool.parameters, snnet.parameters)}</td><td></td><td class="number">${formatChange(pool.models, snnet.models)}</td><td class="number">${formatChange(pool.smallest.parameters, snnet.smallest.parameters)}</td><td class="number">${formatChange(pool.smallest.macs, snnet.smallest.macs)}</td></tr></tbody>
</table></div>`
}

/** What was chosen under which budget, and why. */
export function choice({ choice, descendants }: QuickstartReport): Html {
  const chosen = descendants.find(({ path }) => path === choice.path)!
  return html`<div class="scroll"><table class="facts"><tbody>
<tr><td>budget</td><td><code>${formatBudget(choice.budget)}</code></td></tr>
<tr><td>chosen</td><td><code>${choice.path}</code></td></tr>
<tr><td>cost</td><td>${formatCount(chosen.macs)} MACs, ${formatCount(chosen.parameters)} parameters, ${formatCount(chosen.memory)}B of memory</td></tr>
<tr><td>accuracy</td><td>${formatShare(chosen.validationAccuracy)} on validation images, ${formatShare(chosen.testAccuracy, 2)} on test images</td></tr>
<tr><td>model file</td><td><code>${choice.file}</code></td></tr>
<tr><td>checked</td><td>reloaded in a new process: logits of ${choice.comparedImages} images differ by ${formatDifference(choice.logitDifference)} at most (relative)</td></tr>
</tbody></table></div>
<p class="why">${choice.why}.</p>`
}

/** What was trained, on how much. */
export function work({ auxiliaries, ancestor, evaluation, fineTuning, images }: QuickstartReport): Html {
  return html`<div class="scroll"><table>
<thead><tr><th>model</th><th class="number">width</th><th class="number">depth</th><th class="number">parameters</th><th class="number">MACs</th><th class="number">steps</th><th class="number">loss</th></tr></thead>
<tbody><tr><td>ancestor</td><td class="number">${ancestor.width}</td><td class="number">${ancestor.depth}</td><td class="number">${formatCount(ancestor.parameters)}</td><td class="number">${formatCount(ancestor.macs)}</td><td class="number">pretrained</td><td></td></tr>
${auxiliaries.map(
  (
    auxiliary,
  ) => html`<tr><td>auxiliary <code>${auxiliary.name}</code></td><td class="number">${auxiliary.width}</td><td class="number">${auxiliary.depth}</td><td class="number">${formatCount(auxiliary.parameters)}</td><td class="number">${formatCount(auxiliary.macs)}</td><td class="number">${auxiliary.steps}</td><td class="number">${losses(auxiliary)}</td></tr>
`,
)}<tr><td>pool, fine-tuned from <code>${fineTuning.initialiser}</code> stitches</td><td></td><td></td><td></td><td></td><td class="number">${fineTuning.steps}</td><td class="number">${losses(fineTuning)}</td></tr></tbody>
</table></div>
<p class="note">${images.training} images for training, ${images.validation} held out of them for choosing, ${images.test} test images for reporting.
Losses are means over the first and the last tenth of the steps. Evaluating all descendants together takes ${formatCount(evaluation.sharedMacs)} MACs for one image,
${formatShare(evaluation.sharedMacs / evaluation.separateMacs, 0)} of the ${formatCount(evaluation.separateMacs)} that they take one by one, because paths share their front blocks.</p>`
}

function losses({ firstLoss, lastLoss }: { firstLoss: number; lastLoss: number }): string {
  return `${Number(firstLoss.toPrecision(3))} → ${Number(lastLoss.toPrecision(3))}`
}

export function times(report: QuickstartReport): Html {
  const stages = Object.entries(report.times).filter(([stage]) => stage !== 'total')
  const longest = Math.max(...stages.map(([, seconds]) => seconds))
  return html`<div class="scroll"><table><tbody>
${stages.map(
  ([
    stage,
    seconds,
  ]) => html`<tr><td>${stage}</td><td class="number">${durationText(seconds)}</td><td style="width:50%"><div class="meter" style="width:${((100 * seconds) / longest).toFixed(1)}%"></div></td></tr>
`,
)}<tr class="total"><td>total</td><td class="number">${durationText(totalSeconds(report))}</td><td></td></tr>
</tbody></table></div>`
}

/** The command that makes the same report but for its times. */
export function reproduction({ backend, choice, config, seed, workers }: QuickstartReport): Html {
  const command = `npx learngene quickstart --seed ${seed} --backend ${backend.name} --workers ${workers} --budget ${formatBudget(choice.budget)}`
  return html`<pre><code>${command}</code></pre>
<p class="note">On the same machine and backend it gives the same numbers but for the times. All amounts of work are set by this configuration; give it as
<code>--config FILE</code> where it is not the default.</p>
<details><summary>configuration</summary><pre><code>${JSON.stringify(config, null, 2)}</code></pre></details>`
}
