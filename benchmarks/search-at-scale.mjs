// How near the evolutionary search comes to the best of about a million paths with a thousand evaluations, beside random search with as many. The score is made up:
// a quality of each block, a loss for each stitch, and interactions between pairs of blocks, which no sum over blocks knows.
//
//   npm run build && node benchmarks/search-at-scale.mjs [--seeds 20] [--interactions 200] [--strength 0.5] [--json FILE]
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { evolutionarySearch, randomSearch } from '@learngene/budget-search'
import { multiStitch } from '@learngene/stitch'
import { createRng } from '@learngene/training'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    interactions: { type: 'string', default: '200' },
    strength: { type: 'string', default: '0.5' },
    json: { type: 'string' },
  },
})
const [TIERS, DEPTH] = [6, 13]
const tiers = Array.from({ length: TIERS }, (_, i) => ({ name: `t${i}`, width: 16 * (i + 1), depth: DEPTH }))
const paths = multiStitch(tiers, { maxStitches: 4, pairs: 'all' })
const index = new Map(tiers.map(({ name }, i) => [name, i]))
const macs = ({ path }) => path.segments.reduce((sum, { tier, first, last }) => sum + (last - first + 1) * (index.get(tier) + 1) ** 2, 1)
const space = { ...paths, cost: (value) => ({ macs: macs(value) }) }
const budget = { macs: 170 }

const rng = createRng(7)
const quality = tiers.map((_, t) => Array.from({ length: DEPTH }, () => (0.4 + 0.25 * t) * (0.5 + rng.uniform())))
const loss = new Map(Array.from(paths.stitchIds(), ({ id }) => [id, 0.2 + 1.2 * rng.uniform()]))
const block = () => [rng.integer(TIERS), rng.integer(DEPTH)]
const pairs = Array.from({ length: Number(options.interactions) }, () => ({
  a: block(),
  b: block(),
  gain: rng.normal() * Number(options.strength),
}))

function score({ path, stitches }) {
  const runs = tiers.map(() => [0, -1])
  let sum = 0
  for (const { tier, first, last } of path.segments) {
    const t = index.get(tier)
    runs[t] = [first, last]
    for (let b = first; b <= last; b++) sum += quality[t][b]
  }
  for (const { id } of stitches) sum -= loss.get(id)
  const has = ([t, b]) => runs[t][0] <= b && b <= runs[t][1]
  for (const { a, b, gain } of pairs) if (has(a) && has(b)) sum += gain
  return 1 - Math.exp(-sum / 12)
}

let [best, feasible] = [Number.NEGATIVE_INFINITY, 0]
for (const path of paths.enumerate()) {
  if (macs(path) > budget.macs) continue
  feasible++
  best = Math.max(best, score(path))
}
console.log(`${paths.exactCount()} paths, ${feasible} within ${budget.macs}; the best of all scores ${best.toFixed(6)}`)

const evaluator = (values) => values.map(score)
const share = (value) => `${(100 * value).toFixed(3)} %`
const rows = []
for (let seed = 0; seed < Number(options.seeds); seed++) {
  const found = await evolutionarySearch(space, evaluator, budget, { rng: createRng(seed) })
  const evaluations = found.evaluated.length
  const random = await randomSearch(space, evaluator, budget, { rng: createRng(seed), evaluations })
  const { heldOut, meanError, meanDeviation } = found.predictor
  const row = {
    seed,
    evaluations,
    below: (best - found.chosen.score) / best,
    randomBelow: (best - random.chosen.score) / best,
    heldOut,
    meanError,
    meanDeviation,
  }
  rows.push(row)
  console.log(
    `seed ${seed}: ${evaluations} evaluations, ${share(row.below)} below the best; random search ${share(row.randomBelow)}; predictor off by ${meanError.toFixed(4)} in the mean on ${heldOut} held out, their mean by ${meanDeviation.toFixed(4)}`,
  )
}
const summary = {
  paths: Number(paths.exactCount()),
  largestBelow: Math.max(...rows.map(({ below }) => below)),
  aheadOfRandom: rows.filter(({ below, randomBelow }) => below < randomBelow).length,
  seeds: rows.length,
}
console.log(JSON.stringify(summary))
if (options.json) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) }
  await writeFile(options.json, `${JSON.stringify({ machine, summary, rows }, null, 2)}\n`)
}
