import type { RunReport } from '@learngene/recipe/reports'
import { durationText } from '../../progress/clock-text.js'
import { formatCount, formatShare, totalSeconds } from '../text.js'
import { html } from './html.js'
import { initialiserChart, initialiserTable } from './initialisers.js'
import { page, section } from './page.js'
import { picture } from './picture.js'
import { choice, headline, reproduction, times } from './sections.js'
import { choicesTable, comparisonTable, descendantsTable, energiesTable, storageTable, tiersTable } from './tables.js'

/** A run as one page that needs nothing but a browser: no network, and scripts only to reach the picture's points and to sort a table. */
export function renderHtml(report: RunReport): string {
  const {
    auxiliaries,
    backend,
    choices,
    command,
    comparison,
    descendants,
    evaluation,
    images,
    inheriting,
    initialisers,
    seed,
    version,
    workers,
  } = report
  const inherited = auxiliaries.filter(({ start }) => start !== 'random').length
  return page(
    `Learngene ${command}: ${descendants.length} models from one ancestor`,
    html`<h1>One ancestor, ${descendants.length} models</h1>
<p class="lead">${
      inherited > 0
        ? 'Narrower tiers were cut out of a pretrained Vision Transformer'
        : 'A pretrained Vision Transformer was distilled into tiers of small models'
    }; every path through the blocks of ${auxiliaries.length} tiers is a model of its own. Made in ${durationText(totalSeconds(report))} on ${backend.name} with ${workers} ${workers === 1 ? 'worker' : 'workers'}, seed ${seed}.</p>
${headline(report)}
${section(
  'Accuracy over cost',
  html`<p class="note">Each model twice: before anything was trained, and after. The Pareto front is that of MACs and validation accuracy: models are chosen
on validation images, and test images only report.</p>
${picture(report)}`,
)}
${choices.length === 0 ? '' : section('The best within each budget', html`<p class="note">Chosen on ${images.validation} validation images.</p>${choicesTable(report)}`)}
${section('The choice', choice(report))}
${section(
  'The tiers',
  html`<p class="note">Energy is that of the ancestor's residual stream over ${inheriting.images} images without labels. Untrained accuracy is on the ${images.test} test
images. Losses are means over the first and the last tenth of the steps, on ${images.training} training images.</p>
${tiersTable(report)}
${inheriting.energies.length === 0 ? '' : html`<details><summary>energy kept by width</summary>${energiesTable(report)}</details>`}`,
)}
${
  comparison.length === 0
    ? ''
    : section(
        'Beside the family',
        html`<p class="note">Models made otherwise, at small cost, on the same test images.</p>${comparisonTable(report)}`,
      )
}
${
  initialisers.rows.length === 0
    ? ''
    : section(
        'Stitches before any fine-tuning',
        html`<p class="note">Mean accuracy of the stitched descendants on ${initialisers.images} validation images, by how their stitches were initialised; each dot is
one descendant. The residual is the relative error of a stitch on held-out features.</p>
<div class="chart">${initialiserChart(report)}</div>
${initialiserTable(report)}`,
      )
}
${section(
  'All descendants',
  html`<p class="note">Validation on ${images.validation} images, test and untrained on ${images.test}. Evaluating all together takes ${formatCount(evaluation.sharedMacs)} MACs
for one image, ${formatShare(evaluation.sharedMacs / evaluation.separateMacs, 0)} of the ${formatCount(evaluation.separateMacs)} that they take one by one, because paths share their front blocks.</p>${descendantsTable(report)}`,
)}
${section(
  'Storage beside SN-Net',
  html`<p class="note">SN-Net stitches independently trained anchors of the ancestor's depth and the same widths. Its side is counted, not trained.</p>
${storageTable(report)}`,
)}
${section('Time', times(report))}
${section('Run it again', reproduction(report))}
<footer>learngene ${version}, ${backend.name} ${backend.version}. All numbers were computed in this run.</footer>`,
  )
}
