// Evaluates all 71 paths of SN-Net (DeiT-Ti, -S and -B stitched, random weights) on the same images: with what they share run once, and one by one,
// in turns. Prints the ratios of multiply-accumulates and of times.
//
//   npm run build && node benchmarks/shared-evaluation.mjs [--backend wasm] [--batch N] [--runs N] [--json FILE]
//
// Besides wall time it takes the CPU time of all threads, which a busy machine disturbs less.
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { buildPool, descendantsOf } from '@learngene/learngene-pool'
import { forwardShared, sharedMacs } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { costOf, createViT, deit } from '@learngene/vit-blocks'
import { enableProdMode, keep, randomNormal } from '@tensorflow/tfjs-core'

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'wasm' },
    batch: { type: 'string', default: '1' },
    runs: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})
const batch = Number(options.batch)
setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
enableProdMode()
await useBackend(options.backend)

const rng = createRng(0)
const tiers = Object.entries({ ti: deit.tiny, sm: deit.small, ba: deit.base }).map(([name, config]) => {
  return { name, network: createViT(config, rng.fork(name)), transformations: [] }
})
const family = buildPool(tiers, {}, rng)
const networks = descendantsOf(family, [...family.space.enumerate()])
const images = randomNormal([batch, 224, 224, 3], 0, 1, 'float32', 1)

const ways = {
  shared: (visit) => forwardShared(networks, images, visit),
  separate: (visit) => networks.forEach((network, i) => void forwardShared([network], images, (_, logits) => visit(i, logits))),
}
const runs = { shared: [], separate: [] }
const outputs = {}
for (let run = 0; run < Number(options.runs); run++) {
  for (const [way, evaluate] of Object.entries(ways)) {
    const logits = new Array(networks.length)
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    evaluate((i, values) => {
      logits[i] = keep(values)
    })
    const values = await Promise.all(logits.map((tensor) => tensor.data()))
    const { user, system } = process.cpuUsage(cpu)
    runs[way].push({ ms: performance.now() - start, cpuMs: (user + system) / 1000 })
    outputs[way] = values.map((data) => data.slice())
    for (const tensor of logits) tensor.dispose()
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const of = (way, key) => median(runs[way].map((run) => run[key]))
const separateMacs = networks.reduce((sum, network) => sum + costOf(network).macs, 0)
const result = {
  backend: options.backend,
  what: 'evaluate 71 paths',
  batch,
  macs: { shared: sharedMacs(networks), separate: separateMacs, ratio: sharedMacs(networks) / separateMacs },
  ms: { shared: of('shared', 'ms'), separate: of('separate', 'ms'), ratio: of('shared', 'ms') / of('separate', 'ms') },
  cpuMs: { shared: of('shared', 'cpuMs'), separate: of('separate', 'cpuMs'), ratio: of('shared', 'cpuMs') / of('separate', 'cpuMs') },
  largestDifference: Math.max(
    ...outputs.shared.map((values, i) => values.reduce((most, value, k) => Math.max(most, Math.abs(value - outputs.separate[i][k])), 0)),
  ),
}
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
console.log(`${networks.length} paths, ${batch} image(s) of 224 x 224, ${options.backend}, medians of ${options.runs} runs in turns`)
for (const [name, { shared, separate, ratio }, text] of [
  ['MACs', result.macs, (macs) => `${(macs / 1e9).toFixed(1)} G`],
  ['wall time', result.ms, seconds],
  ['CPU time', result.cpuMs, seconds],
]) {
  console.log(
    `${name.padEnd(10)} shared ${text(shared).padStart(8)}   one by one ${text(separate).padStart(8)}   ratio ${ratio.toFixed(3)}`,
  )
}
console.log(`largest difference of a logit: ${result.largestDifference}`)
if (options.json) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) }
  await writeFile(options.json, `${JSON.stringify({ machine, results: [result] }, null, 2)}\n`)
}
