// What cascades of a finished run's descendants are worth: beside the best single descendant at equal expected MACs, and how cheaply they are as good as the ancestor.
//
//   npm run build && npx learngene quickstart && node benchmarks/cascades.mjs [--run runs/quickstart] [--confidence probability] [--json]
//
// All is chosen on validation images and reported on test images. The last cascade is extracted and run on the test images, so that what is told is what it does. Exit code 1 where that
// differs, or where no cascade has the ancestor's accuracy within 0.3 points at a quarter of its MACs.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'

const { values } = parseArgs({
  options: {
    run: { type: 'string', default: 'runs/quickstart' },
    confidence: { type: 'string', default: 'probability' },
    json: { type: 'boolean', default: false },
  },
})
const SHARES = [0.03, 0.05, 0.1, 0.15, 0.25, 0.5, 1]
/** Points of accuracy that may be missing, and the share of MACs that may be spent. */
const GOAL = { points: 0.3, share: 0.25 }
const bin = new URL('../packages/learngene/bin/learngene.js', import.meta.url).pathname

async function learngene(...args) {
  const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args, '--json'], { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout)
}

const report = JSON.parse(await readFile(join(values.run, 'report.json'), 'utf8'))
const { macs: full } = report.ancestor
const ancestor = report.descendants.find(({ macs }) => macs === full)
const search = (macs, ...more) => learngene('search', values.run, '--budget', `macs=${Math.round(macs)}`, ...more)
const cascades = ['--cascades', '--confidence', values.confidence]

const rows = []
for (const share of SHARES) {
  const single = (await search(share * full)).chosen
  const { chosen } = await search(share * full, ...cascades)
  rows.push({ share, single, cascade: chosen })
}
// The cheapest that is as good as the ancestor on validation images.
const { pareto } = await search(full, ...cascades)
const isCascade = ({ passedOn }) => passedOn !== undefined
const enough = pareto.filter((row) => isCascade(row) && row.validationAccuracy >= ancestor.validationAccuracy)
const cheapest = enough[0]
const checked = cheapest && (await runIt(cheapest))
const missing = cheapest && 100 * (ancestor.testAccuracy - checked.accuracy)
const reached = cheapest !== undefined && missing <= GOAL.points && checked.macs <= GOAL.share * full
const isTrue =
  cheapest !== undefined &&
  Math.abs(checked.accuracy - cheapest.testAccuracy) < 1e-3 &&
  Math.abs(checked.macs / cheapest.testMacs - 1) < 1e-2

if (values.json) console.log(JSON.stringify({ ancestor, rows, cheapest, checked, missing, reached }, null, 2))
else console.log(text())
process.exitCode = reached && isTrue ? 0 : 1

async function runIt({ path }) {
  const dir = await mkdtemp(join(tmpdir(), 'learngene-cascade-'))
  const out = join(dir, 'cascade.safetensors')
  try {
    await learngene('extract', values.run, '--path', path, '--out', out)
    const { accuracy, macs, passedOn, images } = await learngene('evaluate', out, '--backend', 'wasm', '--quiet')
    return { accuracy, macs, passedOn, images }
  } finally {
    await rm(dir, { recursive: true })
  }
}

function text() {
  const percent = (share) => `${(100 * share).toFixed(1)} %`
  const million = (macs) => `${(macs / 1e6).toFixed(2)} M`
  const line = (cells) => `| ${cells.join(' | ')} |`
  const table = [
    line(['MACs at most', 'single', 'validation', 'test', 'with cascades', 'validation', 'test', 'MACs on test images']),
    line(['---:', '---', '---:', '---:', '---', '---:', '---:', '---:']),
    ...rows.map(({ share, single, cascade }) =>
      line([
        `${million(share * full)} (${(100 * share).toFixed(0)} %)`,
        `\`${single.path}\``,
        percent(single.validationAccuracy),
        percent(single.testAccuracy),
        `\`${cascade.path}\``,
        percent(cascade.validationAccuracy),
        percent(cascade.testAccuracy),
        million(cascade.testMacs ?? cascade.macs),
      ]),
    ),
  ]
  return [
    `ancestor \`${ancestor.path}\`: ${million(full)} MACs, ${percent(ancestor.validationAccuracy)} of ${report.images.validation} validation images, ${percent(ancestor.testAccuracy)} of ${report.images.test} test images`,
    '',
    ...table,
    '',
    ...(cheapest
      ? [
          `the cheapest cascade as good as the ancestor on validation images: \`${cheapest.path}\``,
          `extracted and run on ${checked.images} test images: ${percent(checked.accuracy)} (${missing.toFixed(2)} points less than the ancestor), ${percent(checked.passedOn)} passed on, ${million(checked.macs)} MACs on average, ${percent(checked.macs / full)} of the ancestor's`,
        ]
      : ['no cascade is as good as the ancestor on validation images']),
    `goal, within ${GOAL.points} points at ${100 * GOAL.share} % of the MACs: ${reached ? 'reached' : 'not reached'}`,
  ].join('\n')
}
