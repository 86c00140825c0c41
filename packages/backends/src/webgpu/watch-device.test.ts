import { OutOfMemoryError } from '@learngene/ops'
import { expect, test } from 'vitest'
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
