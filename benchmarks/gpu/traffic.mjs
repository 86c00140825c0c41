// Bytes and time of each kind of dispatch of a training step, each in a pass of its own between two timestamps. Bytes are those of the bound buffers, each counted once: what
// a kernel at least moves where it touches all of them. Where the device has no timestamps, times are null. No step but the first is begun when the time is over.
//
//   npm run build && node benchmarks/gpu/traffic.mjs [--model deit-tiny|deit-small|deit-base] [--batch 64] [--seconds 60] [--precision float32|mixed] [--quick] [--json]
import { compileStep } from '@learngene/compile-step'
import { env, tidy } from '@tensorflow/tfjs-core'
import { finish, median, print, readOptions, startGpu, trainingStep } from './work.mjs'

const WARM_UP = 2
const MOST = 5
/** Recorded steps before each that is timed: a GPU that is given one dispatch after the other works at a low clock, and so it did here once, 2.3 times as long. */
const WAKING = 4

const options = readOptions()
const began = performance.now()
const { backend, adapter, features } = await startGpu(options)
const { device } = backend
const { step, inputs } = trainingStep(options.config, options.batch)
const run = async () => {
  const given = inputs()
  return finish(
    given,
    tidy(() => step(given)),
  )
}

const kinds = new Map()
const layouts = new Map()
const bound = new Map()
let dispatches = []
watch()
for (let i = 0; i < WARM_UP; i++) await run()
// From here on each dispatch has a pass of its own, and a submission.
env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 1)
const timer = device.features.has('timestamp-query') ? timePasses() : undefined
const steps = []
const recorded = compileStep(step)
const isOver = () => performance.now() - began >= 1000 * options.seconds
while (steps.length === 0 || (steps.length < MOST && !isOver())) {
  for (let j = 0; j < (options.quick ? 0 : WAKING); j++) {
    const given = inputs()
    await finish(given, recorded.run(given))
  }
  dispatches = []
  timer?.begin()
  await run()
  const times = await timer?.end()
  steps.push(dispatches.map((dispatch, at) => ({ ...dispatch, ms: times?.[at] ?? null })))
}

for (const [at, { kind, bytes }] of steps[0].entries()) {
  const times = steps.map((each) => each[at]?.ms ?? null)
  const row = kinds.get(kind) ?? { kind, count: 0, bytes: 0, ms: timer ? 0 : null }
  row.count++
  row.bytes += bytes
  if (timer) row.ms += median(times.filter((ms) => ms !== null))
  kinds.set(kind, row)
}
const rows = [...kinds.values()]
  .map((row) => ({ ...row, gigabytesPerSecond: row.ms ? row.bytes / row.ms / 1e6 : null }))
  .sort((a, b) => (b.ms ?? b.bytes) - (a.ms ?? a.bytes))
const total = (name) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)
const { model, batch, precision } = options
const totals = { dispatches: total('count'), bytes: total('bytes'), ms: timer ? total('ms') : null }
const clock = timer ? 'device' : null
print(options, { what: 'traffic', adapter, features, model, batch, precision, clock, steps: steps.length, totals, rows }, rows)

/** Notes the kind and the bytes of each dispatch. */
function watch() {
  const createPipeline = device.createComputePipeline.bind(device)
  device.createComputePipeline = (descriptor) => {
    const pipeline = createPipeline(descriptor)
    layouts.set(pipeline, descriptor.label || 'unnamed')
    return pipeline
  }
  const createAsync = device.createComputePipelineAsync?.bind(device)
  if (createAsync)
    device.createComputePipelineAsync = async (descriptor) => {
      const pipeline = await createAsync(descriptor)
      layouts.set(pipeline, descriptor.label || 'unnamed')
      return pipeline
    }
  const createGroup = device.createBindGroup.bind(device)
  device.createBindGroup = (descriptor) => {
    const group = createGroup(descriptor)
    const sizes = descriptor.entries.map(({ resource: { buffer, size } }) =>
      buffer.usage & GPUBufferUsage.UNIFORM ? 0 : (size ?? buffer.size),
    )
    bound.set(
      group,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    return group
  }
  const { prototype } = GPUComputePassEncoder
  const state = new WeakMap()
  const { setPipeline, setBindGroup, dispatchWorkgroups } = prototype
  const stateOf = (pass) => {
    if (!state.has(pass)) state.set(pass, {})
    return state.get(pass)
  }
  prototype.setPipeline = function (pipeline) {
    stateOf(this).kind = layouts.get(pipeline) ?? 'unnamed'
    return setPipeline.call(this, pipeline)
  }
  prototype.setBindGroup = function (index, group, ...rest) {
    stateOf(this).bytes = bound.get(group) ?? 0
    return setBindGroup.call(this, index, group, ...rest)
  }
  prototype.dispatchWorkgroups = function (...sizes) {
    dispatches.push({ ...stateOf(this) })
    return dispatchWorkgroups.apply(this, sizes)
  }
}

/** Puts two timestamps around each pass; the device keeps 4,096 of them. */
function timePasses() {
  const most = 4096
  const querySet = device.createQuerySet({ type: 'timestamp', count: most })
  const resolved = device.createBuffer({ size: 8 * most, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
  const read = device.createBuffer({ size: 8 * most, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  let next = most
  const { prototype } = GPUCommandEncoder
  const { beginComputePass } = prototype
  prototype.beginComputePass = function (descriptor = {}) {
    if (next + 2 > most) return beginComputePass.call(this, descriptor)
    const timestampWrites = { querySet, beginningOfPassWriteIndex: next, endOfPassWriteIndex: next + 1 }
    next += 2
    return beginComputePass.call(this, { ...descriptor, timestampWrites })
  }
  return {
    begin() {
      next = 0
    },
    /** Milliseconds of each pass so far. */
    async end() {
      const count = next
      next = most
      const encoder = device.createCommandEncoder()
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, read, 0, 8 * count)
      device.queue.submit([encoder.finish()])
      await read.mapAsync(GPUMapMode.READ)
      const stamps = new BigInt64Array(read.getMappedRange().slice(0, 8 * count))
      read.unmap()
      return Array.from({ length: count / 2 }, (_, i) => Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6)
    },
  }
}
