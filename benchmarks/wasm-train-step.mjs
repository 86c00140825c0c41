// Times one training step on the wasm backend in three formulations, in turns: stock TensorFlow.js, our operations in their reference form, and
// our operations on our own WebAssembly kernels.
//
//   npm run build && node benchmarks/wasm-train-step.mjs [--model quickstart|deit-tiny] [--batch N] [--runs N] [--json FILE]
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { classTargets, crossEntropy, setOps } from '@learngene/ops'
import { adamW, createRng, takeStep } from '@learngene/training'
import { createViT, deit, forward, parametersOf } from '@learngene/vit-blocks'
import { dispose, enableProdMode, mean, randomNormal, variableGrads } from '@tensorflow/tfjs-core'
import { stockStep } from './stock-vit.mjs'

const models = {
  quickstart: { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 },
  'deit-tiny': deit.tiny,
}
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'quickstart' },
    batch: { type: 'string' },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
})
const config = models[values.model]
if (!config) throw new Error(`--model must be one of ${Object.keys(models).join(', ')}; got ${values.model}`)
const batch = Number(values.batch ?? (values.model === 'deit-tiny' ? 4 : 64))

setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
enableProdMode()
await useBackend('wasm')
const images = randomNormal([batch, config.imageSize, config.imageSize, config.channels], 0, 1, 'float32', 1)
const targets = classTargets(
  Array.from({ length: batch }, (_, i) => i % config.classes),
  config.classes,
)
const stock = stockStep(config, images, targets)
const formulations = { stock: () => stock().dispose(), reference: ourStep('reference'), kernels: ourStep('auto') }

const times = Object.fromEntries(Object.keys(formulations).map((name) => [name, []]))
for (const run of Object.values(formulations)) run()
for (let i = 0; i < Number(values.runs); i++) {
  for (const [name, run] of Object.entries(formulations)) {
    const start = performance.now()
    run()
    times[name].push(performance.now() - start)
  }
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const results = Object.entries(times).map(([name, list]) => ({
  backend: 'wasm',
  what: 'train',
  model: values.model,
  batch,
  formulation: name,
  msMedian: median(list),
  msLeast: Math.min(...list),
  msMost: Math.max(...list),
  imagesPerSecond: (1000 * batch) / median(list),
  speedup: median(times.stock) / median(list),
}))
for (const { formulation, msMedian, msLeast, msMost, imagesPerSecond, speedup } of results) {
  const spread = `${msLeast.toFixed(0)} to ${msMost.toFixed(0)}`
  console.log(
    `${formulation.padEnd(10)} ${msMedian.toFixed(0).padStart(6)} ms (${spread})  ${imagesPerSecond.toFixed(1).padStart(7)} images/s  ${speedup.toFixed(1)} x stock`,
  )
}
if (values.json) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10) }
  await writeFile(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)
}

function ourStep(mode) {
  const network = createViT(config, createRng(0))
  const parameters = parametersOf(network)
  const names = new Map(Object.entries(parameters).map(([name, { name: variable }]) => [variable, name]))
  const optimizer = adamW()
  const state = optimizer.init(parameters)
  return () => {
    setOps(mode)
    const { value, grads } = variableGrads(() => mean(crossEntropy(forward(network, images).logits, targets)), Object.values(parameters))
    const gradients = Object.fromEntries(Object.entries(grads).map(([variable, gradient]) => [names.get(variable), gradient]))
    takeStep(optimizer, parameters, gradients, state, 1e-4)
    dispose([value, grads])
  }
}
