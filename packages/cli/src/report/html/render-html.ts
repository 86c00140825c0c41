import { durationText } from '../../progress/clock-text.js'
import type { QuickstartReport } from '../../quickstart/report.js'
import { totalSeconds } from '../total-seconds.js'
import { descendantsTable, sortScript } from './descendants.js'
import { type Html, html } from './html.js'
import { initialiserChart, initialiserTable } from './initialisers.js'
import { accuracyPlot, legend } from './plot.js'
import { choice, headline, reproduction, storageTable, times, work } from './sections.js'
import { style } from './style.js'

/** A run as one page that needs nothing but a browser: no network, and scripts only to sort a table. */
export function renderHtml(report: QuickstartReport): string {
  const { backend, descendants, images, initialisers, seed, version, workers } = report
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Learngene quickstart: ${descendants.length} descendants</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>One ancestor, ${descendants.length} models</h1>
<p class="lead">A pretrained Vision Transformer was distilled into ${report.auxiliaries.length} auxiliaries; their blocks are the pool, and every path through
the pool is a model of its own. Made in ${durationText(totalSeconds(report))} on ${backend.name} with ${workers} ${workers === 1 ? 'worker' : 'workers'}, seed ${seed}.</p>
${headline(report)}
${section(
  'Accuracy over cost',
  html`<p class="note">One point for each descendant. The Pareto front is that of MACs and validation accuracy: models are chosen on validation images, and
test images only report. Point at a model to read its numbers.</p>
<div>
<input class="switch" type="radio" name="measure" id="show-test" checked><input class="switch" type="radio" name="measure" id="show-validation">
<div class="switches"><label for="show-test">test images</label><label for="show-validation">validation images</label></div>
${legend()}
<div class="scroll plot on-test">${accuracyPlot(report, 'testAccuracy')}</div>
<div class="scroll plot on-validation">${accuracyPlot(report, 'validationAccuracy')}</div>
</div>`,
)}
${section(
  'Stitches before any fine-tuning',
  html`<p class="note">Mean accuracy of the stitched descendants on ${initialisers.images} validation images, by how their stitches were initialised; each dot is
one descendant. The residual is the relative error of a stitch on held-out features.</p>
<div class="plot bars">${initialiserChart(report)}</div>
${initialiserTable(report)}`,
)}
${section('The choice', choice(report))}
${section(
  'Storage beside SN-Net',
  html`<p class="note">SN-Net stitches independently trained anchors of the ancestor's depth and the same widths. Its side is counted, not trained.</p>
${storageTable(report)}`,
)}
${section('All descendants', html`<p class="note">Validation on ${images.validation} images, test on ${images.test}.</p>${descendantsTable(report)}`)}
${section('The work', work(report))}
${section('Time', times(report))}
${section('Run it again', reproduction(report))}
<footer>learngene ${version}, ${backend.name} ${backend.version}. All numbers were computed in this run.</footer>
</main>
<script>${sortScript}</script>
</body>
</html>
`.text
}

function section(title: string, content: Html): Html {
  return html`<section>
<h2>${title}</h2>
${content}
</section>`
}
