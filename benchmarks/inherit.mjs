// How long inheriting takes beside the ancestor's own forward passes over the calibration images, and how much memory.
//
//   npm run build && node benchmarks/inherit.mjs [--model deit-base] [--widths 192,384,576] [--images 128] [--fit] [--json]
//
// Weights are random: times do not depend on them. --fit adds the fit of each tier in closed form.
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { ancestorTier, buildPool, inherit, openInheritance } from '@learngene/learngene-pool'
import { initialiseStitches, learned } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT, deit, forward } from '@learngene/vit-blocks'
import { dispose, tensor4d, zeros } from '@tensorflow/tfjs-core'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'deit-base' },
    widths: { type: 'string', default: '192,384,576' },
    images: { type: 'string', default: '128' },
    backend: { type: 'string', default: 'wasm' },
    fit: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const models = {
  'deit-tiny': deit.tiny,
  'deit-small': deit.small,
  'deit-base': deit.base,
  quickstart: { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 },
}
const config = models[values.model]
if (!config) throw new Error(`--model must be one of ${Object.keys(models).join(', ')}; got ${values.model}`)
setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
const { name } = await useBackend(values.backend)
const ancestor = createViT(config, createRng(0))
const count = Number(values.images)
const size = config.imageSize ** 2 * config.channels
const source = {
  length: count,
  classes: [],
  async batch(indices) {
    const rng = createRng(indices[0])
    const pixels = Float32Array.from({ length: indices.length * size }, () => 2 * rng.uniform() - 1)
    const images = tensor4d(pixels, [indices.length, config.imageSize, config.imageSize, config.channels])
    return { images, targets: zeros([indices.length, 0]) }
  },
}
const times = {}
const time = async (what, run) => {
  const started = performance.now()
  const result = await run()
  times[what] = (performance.now() - started) / 1000
  if (!values.json) console.log(`${times[what].toFixed(1).padStart(8)} s  ${what}`)
  return result
}
const passes = async (images) => {
  for (let start = 0; start < images; start += 16) {
    const batch = await source.batch(Array.from({ length: Math.min(16, images - start) }, (_, i) => start + i))
    const { logits } = forward(ancestor, batch.images)
    await logits.data()
    dispose([batch, logits])
  }
}
await passes(1)
await time(`forward passes of ${count} images`, () => passes(count))
const from = await time('rotate, with its own forward passes', () => openInheritance(ancestor, source, { blockOrder: false }))
const tiers = []
for (const width of values.widths.split(',').map(Number)) {
  tiers.push(await time(`cut width ${width}`, () => inherit(ancestor, { width }, source, { from, fit: values.fit })))
}
await time('stitch the tiers and the ancestor', async () => {
  const pool = buildPool([...tiers, ancestorTier(ancestor)], { space: { kind: 'aligned' } }, createRng(1))
  initialiseStitches(pool, learned, { rng: createRng(2) })
})
const [[, forwardPasses]] = Object.entries(times)
const all = Object.values(times).reduce((sum, seconds) => sum + seconds, 0)
const algebra = all - 2 * forwardPasses
const memory = process.resourceUsage().maxRSS / 1024
if (values.json) console.log(JSON.stringify({ model: values.model, backend: name, images: count, times, algebra, memory }))
else
  console.log(
    `all but forward passes: ${algebra.toFixed(1)} s, ${(algebra / forwardPasses).toFixed(2)} of them; ${memory.toFixed(0)} MB at most`,
  )
