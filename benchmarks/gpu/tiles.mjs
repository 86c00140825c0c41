// How fast this GPU computes DeiT's forward products, y = x W^T + b in float32, by tiles of other sizes than those of @learngene/ops: the same loop over slices in workgroup memory, written for this
// comparison alone, on buffers that are used again and again, while the GPU is kept busy. What a tile reaches here it need not reach in a model.
//
//   npm run build && node benchmarks/gpu/tiles.mjs [--model deit-tiny|deit-small|deit-base] [--batch 64] [--quick] [--json]
import { createRng } from '@learngene/training'
import { median, print, readOptions, startGpu } from './work.mjs'

/** Rows and columns of a workgroup, and of each of its threads. */
const TILES = [
  [64, 64, 8, 8],
  [64, 128, 8, 8],
  [128, 64, 8, 8],
  [64, 96, 8, 8],
  [64, 96, 8, 12],
  [96, 64, 12, 8],
  [128, 96, 8, 12],
  [128, 64, 16, 8],
  [128, 128, 8, 8],
  [128, 128, 16, 8],
  [64, 64, 4, 8],
].map(([height, across, threadRows, threadColumns]) => ({ height, across, threadRows, threadColumns }))
const SLICE = 16
const ROUNDS = 3
const SAMPLE_MS = 6
const WAKE_MS = 150
const RATE = 25e12

const options = readOptions()
const { backend, adapter, features } = await startGpu(options)
const { device } = backend
const { width, imageSize, patchSize } = options.config
const rows = options.batch * ((imageSize / patchSize) ** 2 + 1)
const products = { 'q|k|v': [3 * width, width], projection: [width, width], fc1: [4 * width, width], fc2: [width, 4 * width] }
const timer = createTimer()
const programs = await Promise.all(TILES.map(async (tile) => ({ tile, pipeline: await compile(tile) })))
const results = []
for (const [product, [columns, depth]] of Object.entries(products)) results.push(...(await measure(product, columns, depth)))
const { model, batch, precision } = options
const table = results.toSorted((a, b) => a.product.localeCompare(b.product) || a.ms - b.ms)
print(options, { what: 'tiles', adapter, features, model, batch, precision, rows: table }, table)

async function compile({ height, across, threadRows, threadColumns }) {
  const [down, beside] = [height / threadRows, across / threadColumns]
  const threads = down * beside
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = device.limits
  const bytes = 16 * SLICE * (height / 4 + across / 4 + 2)
  if (threads > maxComputeInvocationsPerWorkgroup || bytes > maxComputeWorkgroupStorageSize) return undefined
  const sides = [side('left', height, 'first_row', 'u.rows', threads), side('right', across, 'first_column', 'u.columns', threads)]
  const groups = range(threadRows / 4)
  const bands = range(threadColumns / 4)
  const cells = groups.flatMap((i) => range(4).flatMap((r) => bands.map((j) => ({ i, r, j, name: `c${i}${r}${j}` }))))
  const [load, stage] = ['load', 'stage'].map((name) => sides.map((each) => each[name]).join('\n'))
  const multiply = range(SLICE)
    .map(
      (d) => `{
      ${groups.map((i) => `let a${i} = left_tile[y + ${d * sides[0].pitch + i * down}u];`).join(' ')}
      ${bands.map((j) => `let b${j} = right_tile[x + ${d * sides[1].pitch + j * beside}u];`).join(' ')}
      ${cells.map(({ i, r, j, name }) => `${name} += a${i}[${r}] * b${j};`).join(' ')} }`,
    )
    .join('\n')
  // Each slice is read before the last is multiplied and staged after it; the last one once more.
  const round = (k, work) => `{ let k = ${k}; ${load} ${work} ${stage} } workgroupBarrier();`
  const loop = `let slices = u.depth / ${SLICE}u; ${round('0u', '')}
  for (var slice = 0u; slice < slices; slice++) { ${round(`min(slice + 1u, slices - 1u) * ${SLICE}u`, `${multiply} workgroupBarrier();`)} }`
  // Thirty-two neighbours in a block of 4 x 8, in which each reads the same vector as one beside it.
  const place =
    beside % 8 === 0 && down % 4 === 0
      ? `let x = local / 32u % ${beside / 8}u * 8u + local / 2u % 8u; let y = local / 32u / ${beside / 8}u * 4u + local / 16u % 2u * 2u + local % 2u;`
      : `let x = local % ${beside}u; let y = local / ${beside}u;`
  const code = `struct U { rows: u32, columns: u32, depth: u32 }
@group(0) @binding(0) var<storage, read> left: array<vec4f>;
@group(0) @binding(1) var<storage, read> right: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4f>;
@group(0) @binding(4) var<uniform> u: U;
${sides.map(({ memory }) => memory).join('\n')}
fn finish(row: u32, column: u32, value: vec4f) {
  if (row < u.rows && column < u.columns) { result[(row * u.columns + column) / 4u] = value + bias[column / 4u]; }
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first_row = group.y * ${height}u;
  let first_column = group.x * ${across}u;
  ${place}
  ${cells.map(({ name }) => `var ${name} = vec4f();`).join(' ')}
  ${sides.map(({ declare }) => declare).join(' ')}
  ${loop}
  ${cells
    .map(({ i, r, j, name }) => `finish(first_row + ${4 * i * down + r}u + 4u * y, first_column + ${4 * j * beside}u + 4u * x, ${name});`)
    .join('\n  ')}
}`
  const module = device.createShaderModule({ code })
  return device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } })
}

/** A factor's slices: each thread reads blocks of 4 x 4 and writes them turned. */
function side(name, outer, first, count, threads) {
  const pitch = outer / 4 + 1
  const blocks = (outer * SLICE) / 16
  const rounds = range(Math.ceil(blocks / threads)).map((round) => ({ round, at: `(local + ${round * threads}u)` }))
  // Eight neighbours write to different banks.
  const depth = (at) => `(${at} % 2u + ${at} / 16u % 2u * 2u)`
  const block = (at) => `(${at} / 2u % 8u + ${at} / 32u * 8u)`
  const each = (code) =>
    rounds
      .map(({ round, at }) => ((round + 1) * threads > blocks ? `if (${at} < ${blocks}u) { ${code(round, at)} }` : code(round, at)))
      .join(' ')
  const four = (code) => range(4).map(code).join(' ')
  return {
    pitch,
    memory: `var<workgroup> ${name}_tile: array<vec4f, ${SLICE * pitch}>;`,
    declare: rounds.map(({ round }) => four((i) => `var ${name}_${round}_${i} = vec4f();`)).join(' '),
    load: each((round, at) =>
      four(
        (i) =>
          `${name}_${round}_${i} = ${name}[(min(${first} + 4u * ${block(at)} + ${i}u, ${count} - 1u) * u.depth + k) / 4u + ${depth(at)}];`,
      ),
    ),
    stage: each((round, at) =>
      four(
        (c) =>
          `${name}_tile[(4u * ${depth(at)} + ${c}u) * ${pitch}u + ${block(at)}] = vec4f(${range(4)
            .map((i) => `${name}_${round}_${i}[${c}]`)
            .join(', ')});`,
      ),
    ),
  }
}

async function measure(product, columns, depth) {
  const rng = createRng(1)
  const values = (count) => Float32Array.from({ length: count }, () => rng.normal())
  const given = [values(rows * depth), values(columns * depth), values(columns)]
  const buffers = [...given.map((data) => bufferOf(data.byteLength, data)), bufferOf(4 * rows * columns)]
  const uniform = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(uniform, 0, new Uint32Array([rows, columns, depth, 0]))
  const flops = 2 * rows * columns * depth
  const repeats = options.quick ? 1 : Math.max(3, Math.round((SAMPLE_MS * RATE) / (1000 * flops)))
  const entries = programs.flatMap(({ tile, pipeline }) => {
    if (!pipeline) return []
    const bound = [...buffers, uniform].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: bound })
    const run = (pass) => {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(Math.ceil(columns / tile.across), Math.ceil(rows / tile.height))
    }
    return [{ tile, run, times: [] }]
  })
  // A GPU that has waited works at a low clock.
  const woken = performance.now() + WAKE_MS
  do await timer(entries[0].run)
  while (performance.now() < woken)
  for (let round = 0; round < ROUNDS; round++) for (const { run, times } of entries) times.push((await timer(run)) / repeats)
  for (const buffer of [...buffers, uniform]) buffer.destroy()
  return entries.map(({ tile, times }) => {
    const { height, across, threadRows, threadColumns } = tile
    const ms = median(times)
    return { product, tile: `${height}x${across}`, thread: `${threadRows}x${threadColumns}`, ms, tflops: flops / (ms * 1e9) }
  })
}

function bufferOf(size, data) {
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
  if (data) device.queue.writeBuffer(buffer, 0, data)
  return buffer
}

/** Milliseconds of a pass by the device's clock; by the host's where it has no timestamps. */
function createTimer() {
  const timed = device.features.has('timestamp-query')
  const querySet = timed && device.createQuerySet({ type: 'timestamp', count: 2 })
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC })
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  return async (run) => {
    const encoder = device.createCommandEncoder()
    const timestampWrites = timed && { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }
    const pass = encoder.beginComputePass(timed ? { timestampWrites } : {})
    run(pass)
    pass.end()
    if (timed) encoder.resolveQuerySet(querySet, 0, 2, resolved, 0)
    if (timed) encoder.copyBufferToBuffer(resolved, 0, read, 0, 16)
    const began = performance.now()
    device.queue.submit([encoder.finish()])
    if (!timed) {
      await device.queue.onSubmittedWorkDone()
      return performance.now() - began
    }
    await read.mapAsync(GPUMapMode.READ)
    const [begin, end] = new BigInt64Array(read.getMappedRange().slice(0))
    read.unmap()
    return Math.max(Number(end - begin) / 1e6, 1e-6)
  }
}

function range(length) {
  return Array.from({ length }, (_, i) => i)
}
