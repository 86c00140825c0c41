// Host time of a training step on images that lie on the device: how long JavaScript takes to give the GPU its commands, of a plain step and of a recorded one, beside the
// whole step until its loss is read. Apart from it, how long a new batch of float32 images takes from the host until the device has it.
//
//   npm run build && node benchmarks/gpu/encode.mjs [--model deit-tiny|deit-small|deit-base] [--batch 64] [--seconds 60] [--precision float32|mixed] [--quick] [--json]
import { compileStep } from '@learngene/compile-step'
import { tidy } from '@tensorflow/tfjs-core'
import { finish, median, print, readOptions, startGpu, trainingStep } from './work.mjs'

const WARM_UP = 3
const FEWEST = 3
const MOST = 30
const UPLOADS = 9

const options = readOptions()
const { backend, adapter, features } = await startGpu(options)
const { step, inputs, pixels } = trainingStep(options.config, options.batch)
const compiled = compileStep(step)
const rows = []
// Recorded first: its first step is cold then, and takes the compilation of every program, all at once.
for (const [form, prepare, run] of [
  ['recorded', (given) => compiled.prepare(given), (given) => compiled.run(given)],
  ['plain', () => {}, (given) => tidy(() => step(given))],
])
  rows.push({ form, ...(await measure(prepare, run, (1000 * options.seconds) / 2)) })
const { dispatches, uploads, newBuffers } = compiled.stats()
const uploadMs = await measureUpload(backend.device, pixels)
const { model, batch, precision } = options
const recording = { dispatches, uploads, newBuffers }
print(options, { what: 'encode', adapter, features, model, batch, precision, recording, uploadMs, rows }, rows)

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

/** As recorded steps write their inputs, into a buffer that is there. */
async function measureUpload(device, values) {
  const buffer = device.createBuffer({ size: values.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
  const times = []
  for (let i = 0; i < WARM_UP + UPLOADS; i++) {
    const start = performance.now()
    device.queue.writeBuffer(buffer, 0, values)
    await device.queue.onSubmittedWorkDone()
    if (i >= WARM_UP) times.push(performance.now() - start)
  }
  buffer.destroy()
  return median(times)
}
