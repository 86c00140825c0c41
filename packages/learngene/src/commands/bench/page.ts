import type { Benchmark, BenchResult } from '@learngene/bench'
import { type Html, html, raw } from '../../report/html/html.js'
import { style } from '../../report/html/style.js'
import { formatCount } from '../../report/text.js'
import { speedLegend, speedPlot } from './plot.js'
import { filled, formatRatio, nameOf, remarks } from './table.js'

const ownStyle = raw(`
main { max-width: 1180px }
.speed .ours { fill: var(--stitched); stroke: var(--stitched) }
.speed .stock { fill: var(--single); stroke: var(--single) }
.speed .pytorch { fill: var(--soft); stroke: var(--soft) }
.speed .ours line, .speed .stock line, .speed .pytorch line { stroke-width: 3; stroke-opacity: 0.45; stroke-linecap: round }
.speed li { list-style: none }
.remarks { margin: 0; padding-left: 20px; overflow-wrap: anywhere }
`)

/** A benchmark as one page that needs nothing but a browser. */
export function benchPage(benchmark: Benchmark, command: string): string {
  const { machine, results } = benchmark
  const { rows } = filled(results)
  const { model } = results[0]!
  const memory = machine.memoryBytes === null ? '' : `, ${formatCount(machine.memoryBytes)}B`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Learngene benchmark: ${model}</title>
<style>${style}${ownStyle}</style>
</head>
<body>
<main>
<h1>${model}, step by step</h1>
<p class="lead">${machine.cpu ?? 'An unnamed processor'}, ${machine.cores} cores${memory}, ${machine.os}, ${machine.engine}, ${machine.date.slice(0, 10)}</p>
${cards(rows)}
${
  rows.length === 0
    ? ''
    : html`<section class="speed">
<h2>Speed</h2>
<p class="note">Formulations took turns in one run; a mark is the median of the steps, its line reaches from the first to the third quartile.</p>
${speedLegend(rows)}
<div class="scroll plot">${speedPlot(rows)}</div>
</section>
<section>
<h2>Numbers</h2>
${table(results)}
</section>`
}
<section>
<h2>Remarks</h2>
<ul class="remarks">${remarks(results).map((remark) => html`<li>${remark}</li>`)}</ul>
</section>
<section>
<h2>Run it again</h2>
<pre><code>${command}</code></pre>
</section>
<footer>All numbers were measured in this run.</footer>
</main>
</body>
</html>
`.text
}

/** The largest ratios, one card each. */
function cards(rows: readonly BenchResult[]): Html {
  const card = (key: 'speedup' | 'pytorchRatio', beside: string) =>
    rows.flatMap((row) => {
      const ratio = row[key]
      return ratio === null
        ? []
        : [
            html`<div class="card"><b>${formatRatio(ratio)}</b><span class="what">${beside}</span><span>${nameOf(row)}, batch ${row.batch}</span></div>`,
          ]
    })
  const all = [...card('speedup', 'the speed of stock TensorFlow.js'), ...card('pytorchRatio', 'the speed of PyTorch')]
  return all.length === 0 ? html`` : html`<div class="cards">${all.slice(0, 8)}</div>`
}

function table(results: readonly BenchResult[]): Html {
  const { columns, rows } = filled(results)
  const kind = (left?: boolean) => (left ? '' : 'number')
  return html`<div class="scroll"><table>
<thead><tr>${columns.map(({ heading, left }) => html`<th class="${kind(left)}">${heading}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>${columns.map(({ text, left }) => html`<td class="${kind(left)}">${text(row) ?? ''}</td>`)}</tr>
`,
  )}</tbody>
</table></div>`
}
