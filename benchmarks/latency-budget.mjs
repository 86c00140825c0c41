// How well latency composed of parts agrees with whole models, and whether a budget binds: for random caps the choice of `learngene search` is measured once more.
//
//   npm run build && node benchmarks/latency-budget.mjs RUN [--backend wasm] [--batch 1] [--seconds 45] [--caps N] [--seed N] [--json FILE]
//
// Without --caps: all descendants of the run, composed and measured in turns in one process. With --caps: so many searches, each with a cap drawn between the
// fastest and the slowest descendant, and the choice of each measured again in another process afterwards.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { compositionError } from '@learngene/bench/latency'
import { createRng, measurePaths, profileFolder, profilePool, readRun } from 'learngene/node'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'wasm' },
    batch: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '45' },
    caps: { type: 'string' },
    seed: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
})
const [run] = positionals
if (run === undefined) throw new Error('name a run: node benchmarks/latency-budget.mjs runs/quickstart')
const setting = { pool: join(run, 'pool'), backend: options.backend, batch: Number(options.batch) }
const share = (value) => `${(100 * value).toFixed(1)} %`
const ms = (value) => `${value.toFixed(3)} ms`

const result = options.caps === undefined ? await compareAll() : await keepCaps(Number(options.caps))
if (options.json) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) }
  await writeFile(options.json, `${JSON.stringify({ machine, ...result }, null, 2)}\n`)
}

async function compareAll() {
  const { descendants } = await readRun(run)
  const { profile } = await profilePool({
    ...setting,
    seconds: Number(options.seconds),
    whole: descendants.length,
    folder: profileFolder(process.env),
    anew: true,
  })
  const { backend, version, device, batch, overheadMs, readBack, checked } = profile
  for (const { name, composedMs, measuredMs } of checked) {
    console.log(
      `${name.padEnd(28)} composed ${ms(composedMs)}  measured ${ms(measuredMs)}  ${share((composedMs - measuredMs) / measuredMs)}`,
    )
  }
  const error = compositionError(checked)
  console.log(`${backend} ${version}, ${device}, batch ${batch}: overhead ${ms(overheadMs)}, reading ${ms(readBack.ms)}`)
  console.log(
    `error on ${checked.length} of ${descendants.length} descendants, those that nothing was fitted to: median ${share(error.median)}, largest ${share(error.largest)}`,
  )
  return { what: 'composition', profile, error }
}

async function keepCaps(count) {
  const folder = profileFolder(process.env)
  const { profile } = await profilePool({ ...setting, folder })
  const bin = fileURLToPath(new URL('../packages/learngene/bin/learngene.js', import.meta.url))
  const all = [...profile.checked.map(({ measuredMs }) => measuredMs)]
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const rng = createRng(Number(options.seed))
  const rows = []
  for (let i = 0; i < count; i++) {
    // Below the fastest nothing fits; a tenth above, something should.
    const cap = Number((least * 1.1 + rng.uniform() * (most * 1.1 - least * 1.1)).toPrecision(3))
    const budget = `latency=${cap}ms@${options.backend},batch=${options.batch}`
    const row = { cap, chosen: null, searched: null, again: null }
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [bin, 'search', run, '--budget', budget, '--json', '--quiet'])
      const { chosen, latency } = JSON.parse(stdout)
      const { measured } = await measurePaths({ ...setting, seconds: 1, paths: [chosen.path] })
      Object.assign(row, {
        chosen: chosen.path,
        composed: latency.composedMs,
        passedOver: latency.passedOver.length,
        searched: latency.fresh.median,
        again: measured[0].median,
        againDecile: measured[0].decile,
      })
    } catch (error) {
      row.refused = String(error.stderr ?? error.message)
        .trim()
        .split('\n')
        .at(-1)
    }
    rows.push(row)
    console.log(
      row.refused
        ? `cap ${ms(cap)}: refused: ${row.refused}`
        : `cap ${ms(cap)}: ${row.chosen.padEnd(28)} composed ${ms(row.composed)}, measured ${ms(row.searched)}, passed over ${row.passedOver}; again ${ms(row.again)} (${share(row.again / cap)} of the cap)`,
    )
  }
  const chosen = rows.filter(({ refused }) => !refused)
  const summary = {
    caps: count,
    chosen: chosen.length,
    kept: chosen.filter(({ searched, cap }) => searched <= cap).length,
    keptAgain: chosen.filter(({ again, cap }) => again <= cap).length,
    keptAgainUninterrupted: chosen.filter(({ againDecile, cap }) => againDecile <= cap).length,
    overByTenthAgain: chosen.filter(({ again, cap }) => again > 1.1 * cap).length,
  }
  console.log(JSON.stringify(summary))
  return { what: 'caps', ...setting, summary, rows }
}
