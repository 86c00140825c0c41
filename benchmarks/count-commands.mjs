// Counts what one training step asks of the GPU, plain and recorded, on Dawn's null backend: it executes nothing, so that no GPU is needed and nothing is
// timed. The kernels see the limits of an ordinary GPU: 32 KiB of workgroup memory and 12 storage buffers.
//
//   npm run build && node benchmarks/count-commands.mjs [--model deit-tiny|deit-small|deit-base] [--batch N] [--storage-buffers N] [--json FILE]
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { compileStep } from '@learngene/compile-step'
import { classTargets, crossEntropy } from '@learngene/ops'
import '@learngene/ops/gradients'
import '@learngene/ops/webgpu'
import { adamW, createRng } from '@learngene/training'
import { createViT, deit, forward, parametersOf } from '@learngene/vit-blocks'
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import {
  dispose,
  enableProdMode,
  engine,
  mean,
  registerBackend,
  setBackend,
  tensor2d,
  tensor4d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core'
import { create, globals } from 'webgpu'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'deit-tiny' },
    batch: { type: 'string', default: '64' },
    'storage-buffers': { type: 'string', default: '12' },
    json: { type: 'string' },
  },
})
const config = { 'deit-tiny': deit.tiny, 'deit-small': deit.small, 'deit-base': deit.base }[values.model]
if (!config) throw new Error(`--model must be deit-tiny, deit-small or deit-base; got ${values.model}`)
const batch = Number(values.batch)

const counts = {
  dispatches: 0,
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
countCalls()

const network = createViT(config, createRng(0))
const parameters = parametersOf(network)
const names = new Map(Object.entries(parameters).map(([name, { name: variable }]) => [variable, name]))
const optimizer = adamW()
const state = optimizer.init(parameters)
const { bufferManager } = engine().backend

const step = ({ images, targets, scalars }) => {
  const { value, grads } = variableGrads(() => mean(crossEntropy(forward(network, images).logits, targets)), Object.values(parameters))
  const gradients = Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [names.get(name), gradient]))
  optimizer.update(parameters, gradients, state, scalars)
  return { loss: value }
}
const pixels = new Float32Array(batch * config.imageSize ** 2 * config.channels)
const labels = Array.from({ length: batch }, (_, i) => i % config.classes)
const inputs = () => {
  const { data, shape } = optimizer.scalars(parameters, state, 1e-3)
  return {
    images: tensor4d(pixels, [batch, config.imageSize, config.imageSize, config.channels]),
    targets: classTargets(labels, config.classes),
    scalars: tensor2d(data, shape),
  }
}

const plain = await measure((given) => tidy(() => step(given)))
const plainBytes = bufferManager.numBytesAllocated
const compiled = compileStep(step)
const recorded = await measure((given) => compiled.run(given))
const { bytes, plainBytes: logicalBytes, captures, recordings, newBuffers, buffers } = compiled.stats()
const persistentBytes = [...Object.values(parameters), ...Object.values(state).flatMap(({ tensors }) => Object.values(tensors))].reduce(
  (sum, { size }) => sum + 4 * size,
  0,
)

const rows = Object.fromEntries(Object.keys(counts).map((name) => [name, { plain: plain[name], recorded: recorded[name] }]))
console.log(`${values.model}, batch ${batch}: one training step after warm-up, counted at the device`)
console.table(rows)
const mega = (value) => `${(value / 1e6).toFixed(0)} MB`
console.log(`tensors of a step, each with a buffer of its own: ${mega(logicalBytes)}`)
console.log(
  `held after plain steps: ${mega(plainBytes)}; by the recording: ${mega(bytes)} in ${buffers} buffers, beside ${mega(persistentBytes)} of parameters and moments`,
)
console.log(`captures ${captures}, recordings ${recordings}, new buffers in replays ${newBuffers}`)
if (values.json) {
  const result = { model: values.model, batch, plain, recorded, plainBytes, recordedBytes: bytes, persistentBytes, logicalBytes }
  await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`)
}
compiled.dispose()
if (!gpu) throw new Error('the GPU instance must outlive its devices')
process.exit(0)

/** The counts of the third step. */
async function measure(run) {
  for (let i = 0; i < 3; i++) {
    for (const name of Object.keys(counts)) counts[name] = 0
    const given = inputs()
    const { loss } = run(given)
    await loss.data()
    dispose([given, loss])
  }
  return { ...counts }
}

/** TensorFlow.js's backend on a device that executes nothing. Dawn must not be collected while it is in use. */
async function startNullBackend() {
  Object.assign(globalThis, globals)
  const instance = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
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
  registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info), 3)
  await setBackend('webgpu')
  return instance
}

function countCalls() {
  count(GPUComputePassEncoder, 'dispatchWorkgroups', () => counts.dispatches++)
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

function replace(type, method, by) {
  const original = type.prototype[method]
  type.prototype[method] = function (...given) {
    return by(original.bind(this), given)
  }
}
