// Counts what one training step asks of the GPU, plain and recorded, on Dawn's null backend: it executes nothing, so that no GPU is needed and nothing is
// timed. The kernels see the limits of an ordinary GPU: 32 KiB of workgroup memory and 12 storage buffers; in mixed precision its matrices of 16 x 16 x 16 as well. The steps are
// those of `train`.
//
//   npm run build && node benchmarks/count-commands.mjs [--model deit-tiny|deit-small|deit-base] [--batch N] [--storage-buffers N] [--accumulate N] [--clip] [--precision float32|mixed]
//     [--json FILE]
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { classTargets, crossEntropy } from '@learngene/ops'
import '@learngene/ops/gradients'
import '@learngene/ops/webgpu'
import { adamW, createRng, train } from '@learngene/training'
import { createViT, deit, forward, parametersOf } from '@learngene/vit-blocks'
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import { enableProdMode, mean, registerBackend, setBackend, tensor4d } from '@tensorflow/tfjs-core'
import { create, globals } from 'webgpu'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'deit-tiny' },
    batch: { type: 'string', default: '64' },
    'storage-buffers': { type: 'string', default: '12' },
    accumulate: { type: 'string', default: '1' },
    clip: { type: 'boolean', default: false },
    precision: { type: 'string', default: 'float32' },
    json: { type: 'string' },
  },
})
const config = { 'deit-tiny': deit.tiny, 'deit-small': deit.small, 'deit-base': deit.base }[values.model]
if (!config) throw new Error(`--model must be deit-tiny, deit-small or deit-base; got ${values.model}`)
const batch = Number(values.batch)

const counts = {
  dispatches: 0,
  /** Of the storage buffers that dispatches are given, each once a dispatch: what they at least move where they touch all of them. */
  boundBytes: 0,
  copies: 0,
  writes: 0,
  mappedUploads: 0,
  uploadedBytes: 0,
  buffers: 0,
  bufferBytes: 0,
  bindGroups: 0,
  submits: 0,
}
enableProdMode()
const gpu = await startNullBackend()
shrinkBuffers()
readZeros()
countCalls()

const network = createViT(config, createRng(0))
const parameters = parametersOf(network)
const accumulate = Number(values.accumulate)
const part = batch / accumulate
if (!Number.isInteger(part)) throw new Error(`--batch must divide by --accumulate; got ${batch} and ${accumulate}`)
const pixels = new Float32Array(part * config.imageSize ** 2 * config.channels)
const labels = Array.from({ length: part }, (_, i) => i % config.classes)
const partOf = () => ({
  images: tensor4d(pixels, [part, config.imageSize, config.imageSize, config.channels]),
  targets: classTargets(labels, config.classes),
})

const plain = await measure()
const recorded = await measure({ key: () => '' })
const persistentBytes = Object.values(parameters).reduce((sum, { size }) => sum + 3 * 4 * size, 0)

const rows = Object.fromEntries(Object.keys(counts).map((name) => [name, { plain: plain.step[name], recorded: recorded.step[name] }]))
const details = `${accumulate > 1 ? `, in ${accumulate} parts` : ''}${values.clip ? ', clipped' : ''}, precision ${values.precision}`
console.log(`${values.model}, batch ${batch}${details}: one training step after warm-up, counted at the device`)
console.table(rows)
const mega = (value) => `${(value / 1e6).toFixed(0)} MB`
console.log(
  `made until then by plain steps: ${mega(plain.bytes)}; by recorded ones: ${mega(recorded.bytes)} in ${recorded.buffers} buffers`,
)
console.log(`parameters and moments: ${mega(persistentBytes)}`)
if (values.json) {
  const result = {
    model: values.model,
    batch,
    accumulate,
    clip: values.clip,
    precision: values.precision,
    plain,
    recorded,
    persistentBytes,
  }
  await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`)
}
if (!gpu) throw new Error('the GPU instance must outlive its devices')
process.exit(0)

/** What the sixth of seven steps asks for, and the bytes and number of the buffers that were made before it. */
async function measure(compile) {
  const [measured, steps] = [5, 7]
  let before
  let after
  await train({
    parameters,
    steps,
    batch(step) {
      if (step === 0) for (const name of Object.keys(counts)) counts[name] = 0
      if (step === measured) before = { ...counts }
      if (step === measured + 1) after = { ...counts }
      return Array.from({ length: accumulate }, partOf)
    },
    loss: (_step, index, parts) => mean(crossEntropy(forward(network, parts[index].images).logits, parts[index].targets)),
    optimizer: adamW(),
    learningRate: () => 1e-3,
    accumulate,
    ...(values.clip && { clipNorm: 1 }),
    precision: values.precision,
    ...(compile && { compile }),
  })
  const step = Object.fromEntries(Object.keys(counts).map((name) => [name, after[name] - before[name]]))
  return { step, bytes: before.bufferBytes, buffers: before.buffers }
}

/** TensorFlow.js's backend on a device that executes nothing. Dawn must not be collected while it is in use. */
async function startNullBackend() {
  Object.assign(globalThis, globals)
  const instance = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,use_vulkan_memory_model'])
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: instance, userAgent: 'node' }, configurable: true })
  const adapter = await instance.requestAdapter()
  const limits = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize']
  const requiredLimits = Object.fromEntries(
    [...limits, 'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxComputeWorkgroupSizeY'].map((name) => [
      name,
      adapter.limits[name],
    ]),
  )
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures: [...adapter.features] })
  // The null backend has the least limits that there are. The kernels see those of an ordinary GPU instead; then it finds pipelines too large, which does
  // not matter to counting: nothing is executed.
  const smallest = device.limits
  const ordinary = {
    maxStorageBuffersPerShaderStage: Number(values['storage-buffers']),
    maxComputeWorkgroupStorageSize: 32_768,
  }
  Object.defineProperty(device, 'limits', { value: new Proxy(ordinary, { get: (own, name) => own[name] ?? smallest[name] }) })
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    const tooLarge = /workgroup storage|storage buffers|due to a previous error/.test(event.error.message)
    if (tooLarge) return
    console.error(event.error.message)
    process.exitCode = 1
  })
  const matrices = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 }
  const learngeneAdapterInfo = { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [matrices] }
  registerBackend('webgpu', () => Object.assign(new WebGPUBackend(device, adapter.info), { learngeneAdapterInfo }), 3)
  await setBackend('webgpu')
  return instance
}

function countCalls() {
  countDispatches()
  count(GPUCommandEncoder, 'copyBufferToBuffer', () => counts.copies++)
  count(GPUDevice, 'createBindGroup', () => counts.bindGroups++)
  count(GPUQueue, 'submit', () => counts.submits++)
  count(GPUQueue, 'writeBuffer', (_buffer, _offset, data, _start, size) => {
    counts.writes++
    counts.uploadedBytes += size ?? data.byteLength
  })
  count(GPUDevice, 'createBuffer', ({ size, mappedAtCreation }) => {
    counts.buffers++
    counts.bufferBytes += size
    if (mappedAtCreation) {
      counts.mappedUploads++
      counts.uploadedBytes += size
    }
  })
}

/** Dispatches, and the bytes bound in each. */
function countDispatches() {
  const bytesOf = new WeakMap()
  const boundIn = new WeakMap()
  replace(GPUDevice, 'createBindGroup', (original, [descriptor]) => {
    const group = original(descriptor)
    const sizes = descriptor.entries.map(({ resource: { buffer, size = buffer.size } }) =>
      buffer.usage & GPUBufferUsage.UNIFORM ? 0 : size,
    )
    bytesOf.set(
      group,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    return group
  })
  const { setBindGroup, dispatchWorkgroups } = GPUComputePassEncoder.prototype
  GPUComputePassEncoder.prototype.setBindGroup = function (index, group, ...rest) {
    boundIn.set(this, bytesOf.get(group))
    return setBindGroup.call(this, index, group, ...rest)
  }
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...sizes) {
    counts.dispatches++
    counts.boundBytes += boundIn.get(this)
    return dispatchWorkgroups.apply(this, sizes)
  }
}

function count(type, method, note) {
  replace(type, method, (original, given) => {
    note(...given)
    return original(...given)
  })
}

/** The null backend has 512 MB: large buffers get a little of it and tell the size they ought to have. Nothing reads what is in them. */
function shrinkBuffers() {
  const small = 4096
  replace(GPUDevice, 'createBuffer', (original, [descriptor]) => {
    const { size, mappedAtCreation } = descriptor
    if (size <= small) return original(descriptor)
    const buffer = original({ ...descriptor, size: small, mappedAtCreation: false })
    Object.defineProperty(buffer, 'size', { value: size })
    if (mappedAtCreation) {
      Object.assign(Object.defineProperty(buffer, 'mapState', { value: 'mapped', writable: true }), {
        getMappedRange: () => new ArrayBuffer(size),
        unmap() {
          buffer.mapState = 'unmapped'
        },
      })
    }
    return buffer
  })
  replace(GPUDevice, 'createBindGroup', (original, [{ layout, entries }]) =>
    original({
      layout,
      entries: entries.map(({ binding, resource: { buffer, offset = 0, size = buffer.size } }) => ({
        binding,
        resource: { buffer, ...(buffer.size <= small ? { offset, size } : {}) },
      })),
    }),
  )
  replace(GPUCommandEncoder, 'copyBufferToBuffer', (original, [from, fromOffset, to, toOffset, size]) =>
    original(from, fromOffset, to, toOffset, Math.min(size, small)),
  )
  replace(GPUQueue, 'writeBuffer', (original, [buffer, offset, data, start, size]) => {
    if (buffer.size <= small) original(buffer, offset, data, start, size)
  })
}

/** What nothing has computed reads as zeros, not as what a buffer held before. */
function readZeros() {
  const { getMappedRange } = GPUBuffer.prototype
  GPUBuffer.prototype.getMappedRange = function (...given) {
    const range = getMappedRange.apply(this, given)
    return this.usage & GPUBufferUsage.MAP_READ ? new ArrayBuffer(range.byteLength) : range
  }
}

function replace(type, method, by) {
  const original = type.prototype[method]
  type.prototype[method] = function (...given) {
    return by(original.bind(this), given)
  }
}
