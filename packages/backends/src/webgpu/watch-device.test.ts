import { OutOfMemoryError } from '@learngene/ops'
import { expect, test } from 'vitest'
import { startNullDevice } from './null-device.fixture.js'
import { isLost, type WatchedBackend, watchDevice } from './watch-device.js'

/** A backend that computes nothing, and what fails on its device. */
function createWatched() {
  const device = new EventTarget()
  let lose = (_: Partial<GPUDeviceLostInfo>): void => {}
  const lost = new Promise<Partial<GPUDeviceLostInfo>>((resolve) => {
    lose = resolve
  })
  let [submitted, pending] = [0, false]
  let answer = () => {}
  let tell = (_: OutOfMemoryError): void => {}
  const backend = {
    device: Object.assign(device, { lost }),
    disposed: false,
    submitQueue: () => submitted++,
    read: async () => Float32Array.of(0),
  } as unknown as WatchedBackend
  watchDevice(backend, (_, told) => {
    tell = told
    const settled = new Promise<void>((resolve) => {
      answer = resolve
    })
    return { isPending: () => pending, settled: () => (pending ? settled : Promise.resolve()) }
  })
  return {
    backend,
    lose,
    read: () => backend.read({}),
    submitted: () => submitted,
    fail: (message: string) => device.dispatchEvent(Object.assign(new Event('uncapturederror'), { error: { message } })),
    ask() {
      pending = true
    },
    answer(bytes?: number) {
      if (bytes !== undefined) tell(new OutOfMemoryError({ bytes, heldBytes: 8e9 }))
      pending = false
      answer()
    },
    tell: (bytes: number) => tell(new OutOfMemoryError({ bytes, heldBytes: 8e9 })),
  }
}

test('every read under way when something fails throws it, whoever else has met it; the next does not', async () => {
  const { backend, read, fail, submitted } = createWatched()
  let finish = () => {}
  const mapped = new Promise<void>((resolve) => {
    finish = resolve
  })
  const [first, second] = [backend.learngeneRead!(() => mapped), backend.learngeneRead!(() => mapped)]
  fail('dropped')
  expect(() => backend.submitQueue()).toThrow('a WebGPU command failed: dropped')
  expect(submitted()).toBe(0)
  backend.submitQueue()
  expect(submitted()).toBe(1)
  finish()
  await expect(first).rejects.toThrow('a WebGPU command failed: dropped')
  await expect(second).rejects.toThrow('a WebGPU command failed: dropped')
  expect(await read()).toEqual(Float32Array.of(0))
})

test.each([
  'Binding size (150994944) of [Buffer (unlabeled)] is larger than the maximum storage buffer binding size (134217728). This adapter supports a higher maxStorageBufferBindingSize of 1073741824.',
  'Buffer size (150994944) exceeds the max buffer size limit (134217728).\n - While calling [Device].CreateBuffer([BufferDescriptor]).',
])('what is beyond the limits of a device is told in one line: %s', async (message) => {
  const { read, fail } = createWatched()
  fail(message)
  await expect(read()).rejects.toThrow(/^a tensor takes 150994944 bytes, and this GPU takes 134217728 at once; take a smaller batch$/)
  fail('Binding size (4) of [Buffer (unlabeled)] is smaller than the minimum binding size (16).')
  await expect(read()).rejects.toThrow('a WebGPU command failed: Binding size (4)')
})

test('a read waits until it is known whether there was memory, and tells the first shortage', async () => {
  const { read, ask, fail, tell, answer } = createWatched()
  ask()
  const reading = read()
  fail('uses an invalid buffer')
  tell(4e9)
  fail('uses it again')
  answer(1e6)
  const error = await reading.catch((error) => error)
  expect(error).toBeInstanceOf(OutOfMemoryError)
  expect(error.shortage).toEqual({ bytes: 4e9, heldBytes: 8e9 })
  expect(await read()).toEqual(Float32Array.of(0))
})

test('a lost device is the error of all, and goes on being it', async () => {
  const { backend, read, tell, lose } = createWatched()
  const interrupted = backend.learngeneRead!(() => Promise.reject(new Error('unmapped')))
  tell(1e6)
  lose({ reason: 'unknown', message: 'gone' })
  await expect(interrupted).rejects.toThrow('the GPU device was lost (unknown: gone)')
  await expect(read()).rejects.toThrow('the GPU device was lost')
  expect(() => backend.submitQueue()).toThrow('the GPU device was lost')
  expect(isLost(backend)).toBe(true)
})

test('what fails by itself is its own error', async () => {
  const { backend } = createWatched()
  await expect(backend.learngeneRead!(() => Promise.reject(new Error('unmapped')))).rejects.toThrow('unmapped')
})

test('what is beyond the limits of a device is told in one line, as Dawn itself says it', async () => {
  const device = await startNullDevice()
  const backend = { device, disposed: false, submitQueue() {}, read: async () => Float32Array.of(0) } as unknown as WatchedBackend
  watchDevice(backend, () => ({ isPending: () => false, settled: () => Promise.resolve() }))
  const code = '@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(1) fn main() { x[0] = 1.0; }'
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } })
  const buffer = device.createBuffer({ size: 2 ** 27 + 4, usage: GPUBufferUsage.STORAGE })
  device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] })
  await device.queue.onSubmittedWorkDone()
  await expect(backend.read({})).rejects.toThrow(
    /^a tensor takes 134217732 bytes, and this GPU takes 134217728 at once; take a smaller batch$/,
  )
  device.createBuffer({ size: 2 ** 28 + 4, usage: GPUBufferUsage.STORAGE })
  await device.queue.onSubmittedWorkDone()
  await expect(backend.read({})).rejects.toThrow(
    /^a tensor takes 268435460 bytes, and this GPU takes 268435456 at once; take a smaller batch$/,
  )
  device.destroy()
})
