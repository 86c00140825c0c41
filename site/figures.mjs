// The figures of the docs, from what a run left: `npm start && npm run figures -w @learngene/site` (or `node site/figures.mjs RUN`) writes docs/figures. Nothing in them is drawn that the run's report.json or metrics.jsonl does not say.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const [run = here('../runs/quickstart')] = process.argv.slice(2)
if (!existsSync(join(run, 'report.json'))) {
  console.error(`there is no ${join(run, 'report.json')}: make it with 'npm start', or name the folder of another run`)
  process.exit(1)
}
const report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'))
const metrics = readFileSync(join(run, 'metrics.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

// On the site the figures are part of the page and have its colours (theme/figures.css); as files they follow the reader's settings.
const STYLE = `<style>
.fig-text{fill:#57606a;font:12px system-ui,sans-serif}.fig-strong{fill:#1f2328;font-weight:600}.fig-axis{stroke:#c4c9d0;fill:none}.fig-a{stroke:#3451b2;fill:#3451b2}.fig-b{stroke:#b5651d;fill:#b5651d}.fig-c{stroke:#8b949e;fill:#8b949e}.fig-line{fill:none;stroke-width:2}.fig-off{opacity:.25}
@media(prefers-color-scheme:dark){.fig-text{fill:#9da5ae}.fig-strong{fill:#e6edf3}.fig-axis{stroke:#444c56}.fig-a{stroke:#a8b1ff;fill:#a8b1ff}.fig-b{stroke:#e0a060;fill:#e0a060}}
</style>`
const WIDTH = 640
const tidy = (value) => String(Math.round(value * 10) / 10)
const text = (x, y, words, { anchor = 'start', kind = '' } = {}) =>
  `<text class="fig-text ${kind}" x="${tidy(x)}" y="${tidy(y)}" text-anchor="${anchor}">${words.replaceAll('&', '&amp;').replaceAll('>', '&gt;')}</text>`
const line = (points, kind) => `<polyline class="fig-line ${kind}" points="${points.map(([x, y]) => `${tidy(x)},${tidy(y)}`).join(' ')}"/>`
const dot = ([x, y], kind, r = 4) => `<circle class="${kind}" cx="${tidy(x)}" cy="${tidy(y)}" r="${r}"/>`
const hollow = ([x, y], kind, r = 3.5) => `<circle class="fig-line ${kind}" cx="${tidy(x)}" cy="${tidy(y)}" r="${r}"/>`
const percent = (share) => `${Number((100 * share).toFixed(2))} %`
const millions = (count) => (count < 1e6 ? `${Math.round(count / 1e3)} k` : `${Number((count / 1e6).toPrecision(3))} M`)

function write(name, height, label, parts) {
  const title = label.replaceAll('&', '&amp;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">`
  writeFileSync(here(`../docs/figures/${name}.svg`), `${open}\n${STYLE}\n${parts.join('\n')}\n</svg>\n`)
}

/** A frame with both axes, and where values lie in it. @param x,y `{ from, to, ticks, name, format, log }` */
function chart({ x, y, height, right = 16 }) {
  const box = { left: 58, top: 18, right: WIDTH - right, bottom: height - 44 }
  const share = ({ from, to, log }, value) =>
    log ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from)) : (value - from) / (to - from)
  const at = (a, b) => [box.left + share(x, a) * (box.right - box.left), box.bottom - share(y, b) * (box.bottom - box.top)]
  const parts = [`<path class="fig-axis" d="M${box.left} ${box.top}V${box.bottom}H${box.right}"/>`]
  for (const tick of x.ticks) {
    const [px] = at(tick, y.from)
    parts.push(`<path class="fig-axis" d="M${tidy(px)} ${box.bottom}v5"/>`, text(px, box.bottom + 18, x.format(tick), { anchor: 'middle' }))
  }
  for (const tick of y.ticks) {
    const [, py] = at(x.from, tick)
    parts.push(`<path class="fig-axis" d="M${box.left} ${tidy(py)}h-5"/>`, text(box.left - 9, py + 4, y.format(tick), { anchor: 'end' }))
  }
  parts.push(text(box.right, height - 8, x.name, { anchor: 'end' }), text(box.left - 44, 11, y.name))
  return { at, parts, box }
}

const range = (from, to, step) => Array.from({ length: Math.floor((to - from) / step + 1e-9) + 1 }, (_, i) => from + i * step)

function energies() {
  const { ancestor, auxiliaries, inheriting } = report
  const { at, parts } = chart({
    height: 320,
    x: { from: 0, to: ancestor.width, ticks: inheriting.energies.map(({ width }) => width), name: 'width of the tier', format: String },
    y: { from: 0.6, to: 1.03, ticks: range(0.6, 1, 0.1), name: 'share', format: (share) => `${Math.round(100 * share)} %` },
  })
  const kept = inheriting.energies.map((row) => at(row.width, row.kept))
  const tiers = auxiliaries.map(({ width, untrainedAccuracy }) => at(width, untrainedAccuracy))
  parts.push(
    line(kept, 'fig-a'),
    ...kept.map((point) => dot(point, 'fig-a', 3.5)),
    line(tiers, 'fig-b'),
    ...tiers.map((point) => dot(point, 'fig-b')),
  )
  const [, energyY] = at(0, 0.985)
  parts.push(text(at(60, 0)[0], energyY + 24, 'energy of the residual stream that the width keeps', { anchor: 'middle' }))
  parts.push(text(at(60, 0)[0], at(0, 0.862)[1], 'test accuracy of the fitted tier, untrained', { anchor: 'middle' }))
  write('energies', 320, `Energy kept and untrained test accuracy over the width of a tier, of ${ancestor.width}`, parts)
}

function front() {
  const { descendants, ancestor } = report
  const { at, parts } = chart({
    height: 380,
    x: { from: 4e5, to: 3e7, log: true, ticks: [5e5, 1e6, 2e6, 5e6, 1e7, 2e7], name: 'MACs', format: millions },
    y: { from: 0.62, to: 0.92, ticks: range(0.65, 0.9, 0.05), name: 'test accuracy', format: (share) => `${Math.round(100 * share)} %` },
  })
  for (const { macs, untrainedAccuracy, testAccuracy } of descendants)
    parts.push(
      `<path class="fig-axis" d="M${at(macs, untrainedAccuracy).map(tidy).join(' ')}L${at(macs, testAccuracy).map(tidy).join(' ')}"/>`,
    )
  for (const { macs, untrainedAccuracy } of descendants) parts.push(hollow(at(macs, untrainedAccuracy), 'fig-c'))
  const best = descendants.filter(({ pareto }) => pareto).sort((a, b) => a.macs - b.macs)
  parts.push(
    line(
      best.map(({ macs, testAccuracy }) => at(macs, testAccuracy)),
      'fig-b',
    ),
  )
  for (const { macs, testAccuracy, stitched } of descendants) parts.push(dot(at(macs, testAccuracy), stitched ? 'fig-a' : 'fig-b'))
  const level = at(4e5, ancestor.testAccuracy)[1]
  parts.push(text(at(4.2e5, 0)[0], level - 9, `the ancestor: ${percent(ancestor.testAccuracy)}`))
  const [x, y] = at(2.2e6, 0.72)
  parts.push(
    ...[dot([x, y], 'fig-b'), text(x + 12, y + 4, 'a tier by itself, trained')],
    ...[dot([x, y + 20], 'fig-a'), text(x + 12, y + 24, 'a stitched descendant, trained')],
    ...[hollow([x, y + 40], 'fig-c'), text(x + 12, y + 44, 'the same model before any training')],
    ...[
      line(
        [
          [x - 7, y + 60],
          [x + 6, y + 60],
        ],
        'fig-b',
      ),
      text(x + 12, y + 64, 'front by validation accuracy'),
    ],
  )
  write('front', 380, `Test accuracy over MACs of ${descendants.length} descendants of one ancestor, untrained and trained`, parts)
}

function path() {
  const chosen = report.descendants.find(({ path }) => path === 'w24d12[0-7]>w48d12[8-11]')
  if (chosen === undefined) throw new Error('the figure of a path shows w24d12[0-7]>w48d12[8-11], which this run does not have')
  const runs = chosen.path.split('>').map((segment) => /^(\w+)\[(\d+)-(\d+)\]$/.exec(segment))
  const depth = Math.max(...report.auxiliaries.map((tier) => tier.depth))
  const [left, step, gap] = [92, 44, 18]
  const heightOf = (width) => 10 + 0.42 * width
  const parts = []
  const ends = []
  let top = 12
  for (const { name, width, depth: blocks } of [...report.auxiliaries].sort((a, b) => a.width - b.width)) {
    const height = heightOf(width)
    const middle = top + height / 2
    const segment = runs.find(([, tier]) => tier === name)
    parts.push(text(left - 12, middle + 4, name, { anchor: 'end', kind: segment ? 'fig-strong' : '' }))
    for (let block = 0; block < blocks; block += 1) {
      const on = segment !== undefined && block >= Number(segment[2]) && block <= Number(segment[3])
      parts.push(
        `<rect class="${on ? 'fig-a' : 'fig-c fig-off'}" x="${left + block * step}" y="${tidy(top)}" width="${step - 10}" height="${tidy(height)}" rx="3"/>`,
      )
    }
    if (segment)
      ends.push({
        bottom: top + height,
        first: left + Number(segment[2]) * step,
        last: left + Number(segment[3]) * step + step - 10,
        middle,
      })
    top += height + gap
  }
  const [from, to] = ends
  const seam = from.bottom + gap / 2 + 4
  parts.push(`<path class="fig-line fig-b" d="M${from.last} ${tidy(from.middle)}L${to.first} ${tidy(to.middle)}"/>`)
  parts.push(text(from.last - 2, seam, 'stitch', { anchor: 'end', kind: 'fig-strong' }))
  for (let block = 0; block < depth; block += 1)
    parts.push(text(left + block * step + (step - 10) / 2, top + 4, String(block), { anchor: 'middle' }))
  const share = Math.round((100 * chosen.macs) / report.ancestor.macs)
  parts.push(
    text(
      8,
      top + 30,
      `${chosen.path}: ${millions(chosen.macs)} MACs, ${share} % of the ancestor's; ${percent(chosen.testAccuracy)} of the test images`,
    ),
  )
  write('path', top + 40, `The path ${chosen.path} through the tiers of a pool`, parts)
}

function distilling() {
  const [tier] = report.auxiliaries.filter(({ steps }) => steps > 0).sort((a, b) => b.steps - a.steps)
  const [baseline] = report.comparison
  const lossesOf = (stage) => metrics.filter((row) => row.stage === stage).map(({ step, values: { loss } }) => [step, loss])
  const inherited = lossesOf(`tier:w${tier.width}`)
  const random = lossesOf('baseline')
  const high = Math.ceil(5 * Math.max(...random.map(([, loss]) => loss))) / 5
  const { at, parts } = chart({
    height: 300,
    x: { from: 0, to: tier.steps, ticks: range(0, tier.steps, 20), name: 'step', format: String },
    y: { from: 0.6, to: high, ticks: range(0.6, high, 0.4), name: 'loss', format: (value) => value.toFixed(1) },
  })
  parts.push(
    line(
      random.map((point) => at(...point)),
      'fig-c',
    ),
    line(
      inherited.map((point) => at(...point)),
      'fig-a',
    ),
  )
  const words = (y, what) => text(WIDTH - 20, y, what, { anchor: 'end' })
  parts.push(
    words(
      at(0, random.at(-1)[1])[1] + 28,
      `from random weights, as many steps: ${percent(baseline.testAccuracy)} of the test images in the end`,
    ),
  )
  parts.push(words(at(0, inherited.at(-1)[1])[1] - 42, `cut out of the ancestor: ${percent(tier.untrainedAccuracy)} before the first step`))
  write('distilling', 300, `Loss by step of distilling width ${tier.width}, cut out of the ancestor and from random weights`, parts)
}

mkdirSync(here('../docs/figures'), { recursive: true })
for (const draw of [energies, front, path, distilling]) draw()
console.log(`wrote docs/figures from ${run}`)
