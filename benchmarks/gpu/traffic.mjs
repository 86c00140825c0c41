// Bytes and time of each kind of dispatch of a training step or a forward pass. A recorded step is replayed, each dispatch of it in a pass of its own between two timestamps, all of them one behind the
// other: a GPU that is given one dispatch after the other works at a low clock. Bytes are those of the bound buffers, each counted once: what a kernel at least moves where it touches all of them. Where
// the device has no timestamps, times are null. No step but the first is begun when the time is over.
//
//   npm run build && node benchmarks/gpu/traffic.mjs [--what train|forward] [--model deit-tiny|deit-small|deit-base] [--batch 64] [--seconds 60] [--precision float32|mixed] [--quick] [--json]
import { compileStep } from '@learngene/compile-step'
import { finish, forwardPass, median, print, readOptions, startGpu, trainingStep } from './work.mjs'

const MOST = 5
/** Steps before each that is timed, which wake the GPU. */
const WAKING = 6

const options = readOptions({ what: ['train', 'forward'] })
const began = performance.now()
const { backend, adapter, features } = await startGpu(options)
const { device } = backend
const labels = new Map()
const bound = new Map()
const watched = watch()
const { step, inputs } = (options.what === 'train' ? trainingStep : forwardPass)(options.config, options.batch)
const recorded = compileStep(step)
await recorded.prepare(inputs())
const run = () => {
  const given = inputs()
  return [given, recorded.run(given)]
}
const steps = []
const isOver = () => performance.now() - began >= 1000 * options.seconds
while (steps.length === 0 || (steps.length < MOST && !isOver())) {
  for (let i = 0; i < (options.quick ? 1 : WAKING); i++) await finish(...run())
  steps.push(await watched(run))
}

const kinds = new Map()
for (const [at, { kind, bytes }] of steps[0].entries()) {
  const times = steps.flatMap((each) => each[at]?.ms ?? [])
  const row = kinds.get(kind) ?? { kind, count: 0, bytes: 0, ms: times.length > 0 ? 0 : null }
  row.count++
  row.bytes += bytes
  if (times.length > 0) row.ms += median(times)
  kinds.set(kind, row)
}
const rows = [...kinds.values()]
  .map((row) => ({ ...row, gigabytesPerSecond: row.ms ? row.bytes / row.ms / 1e6 : null }))
  .sort((a, b) => (b.ms ?? b.bytes) - (a.ms ?? a.bytes))
const total = (name) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)
const { what, model, batch, precision } = options
const clock = device.features.has('timestamp-query') ? 'device' : null
const totals = { dispatches: total('count'), bytes: total('bytes'), ms: clock && total('ms') }
print(options, { what: 'traffic', of: what, adapter, features, model, batch, precision, clock, steps: steps.length, totals, rows }, rows)

/**
 * Notes the kind of each pipeline and the bytes of each bind group from now on.
 *
 * @returns what runs a step with a pass for each dispatch, and gives kind, bytes and ms of each
 */
function watch() {
  noteCreated('createComputePipeline', (pipeline, { label }) => labels.set(pipeline, label || 'unnamed'))
  noteCreated('createBindGroup', (group, { entries }) => bound.set(group, bytesOf(entries)))
  const createAsync = device.createComputePipelineAsync.bind(device)
  device.createComputePipelineAsync = async (descriptor) => {
    const pipeline = await createAsync(descriptor)
    labels.set(pipeline, descriptor.label || 'unnamed')
    return pipeline
  }
  const timer = device.features.has('timestamp-query') ? createTimer() : undefined
  const { prototype } = GPUCommandEncoder
  const { beginComputePass } = prototype
  return async (run) => {
    const dispatches = []
    prototype.beginComputePass = function () {
      let kind
      let pipeline
      let group
      return {
        setPipeline: (given) => {
          pipeline = given
          kind = labels.get(given) ?? 'unnamed'
        },
        setBindGroup: (_, given) => {
          group = given
        },
        dispatchWorkgroups: (...sizes) => {
          const pass = beginComputePass.call(this, timer?.passOf(dispatches.length) ?? {})
          pass.setPipeline(pipeline)
          pass.setBindGroup(0, group)
          pass.dispatchWorkgroups(...sizes)
          pass.end()
          dispatches.push({ kind, bytes: bound.get(group) ?? 0 })
        },
        end: () => {},
      }
    }
    let result
    try {
      result = run()
    } finally {
      prototype.beginComputePass = beginComputePass
    }
    await finish(...result)
    const times = await timer?.read(dispatches.length)
    return dispatches.map((dispatch, at) => ({ ...dispatch, ms: times?.[at] }))
  }
}

function noteCreated(method, note) {
  const create = device[method].bind(device)
  device[method] = (descriptor) => {
    const created = create(descriptor)
    note(created, descriptor)
    return created
  }
}

function bytesOf(entries) {
  return entries.reduce(
    (sum, { resource: { buffer, size } }) => sum + (buffer.usage & GPUBufferUsage.UNIFORM ? 0 : (size ?? buffer.size)),
    0,
  )
}

/** Two timestamps around each pass; a query set holds 4,096 of them. */
function createTimer() {
  const most = 4096
  const querySet = device.createQuerySet({ type: 'timestamp', count: most })
  const resolved = device.createBuffer({ size: 8 * most, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
  const read = device.createBuffer({ size: 8 * most, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  return {
    passOf: (at) =>
      2 * at + 2 > most ? undefined : { timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * at, endOfPassWriteIndex: 2 * at + 1 } },
    /** Milliseconds of the first passes, which have been computed. */
    async read(count) {
      const stamps = Math.min(2 * count, most)
      const encoder = device.createCommandEncoder()
      encoder.resolveQuerySet(querySet, 0, stamps, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, read, 0, 8 * stamps)
      device.queue.submit([encoder.finish()])
      await read.mapAsync(GPUMapMode.READ)
      const times = new BigInt64Array(read.getMappedRange().slice(0, 8 * stamps))
      read.unmap()
      return Array.from({ length: stamps / 2 }, (_, i) => Number(times[2 * i + 1] - times[2 * i]) / 1e6)
    },
  }
}
