// Host time of a training step: how long JavaScript takes to give the GPU its commands, of a plain step and of a recorded one, beside the whole step until its loss is read.
//
//   npm run build && node benchmarks/gpu/encode.mjs [--model deit-tiny|deit-small|deit-base] [--batch 64] [--seconds 60] [--precision float32|mixed] [--quick] [--json]
import { compileStep } from '@learngene/compile-step'
import { tidy } from '@tensorflow/tfjs-core'
import { finish, median, print, readOptions, startGpu, trainingStep } from './work.mjs'

const WARM_UP = 3
const FEWEST = 3
const MOST = 30

const options = readOptions()
const { adapter, features } = await startGpu(options)
const { step, inputs } = trainingStep(options.config, options.batch)
const compiled = compileStep(step)
const rows = []
// Recorded first: its first step is cold then, and takes the compilation of every program, all at once.
for (const [form, prepare, run] of [
  ['recorded', (given) => compiled.prepare(given), (given) => compiled.run(given)],
  ['plain', () => {}, (given) => tidy(() => step(given))],
])
  rows.push({ form, ...(await measure(prepare, run, (1000 * options.seconds) / 2)) })
const { dispatches, uploads, newBuffers } = compiled.stats()
const { model, batch, precision } = options
print(options, { what: 'encode', adapter, features, model, batch, precision, recording: { dispatches, uploads, newBuffers }, rows }, rows)

async function measure(prepare, run, most) {
  const began = performance.now()
  const timed = async (first) => {
    const given = inputs()
    const start = performance.now()
    if (first) await prepare(given)
    const result = run(given)
    const encodeMs = performance.now() - start
    await finish(given, result)
    return { encodeMs, stepMs: performance.now() - start }
  }
  const { stepMs: firstMs } = await timed(true)
  for (let i = 1; i < WARM_UP; i++) await timed(false)
  const times = []
  while (times.length < FEWEST || (times.length < MOST && performance.now() - began < most)) times.push(await timed(false))
  const [encodeMs, stepMs] = ['encodeMs', 'stepMs'].map((name) => median(times.map((each) => each[name])))
  return { firstMs, encodeMs, stepMs, share: encodeMs / stepMs, steps: times.length }
}
