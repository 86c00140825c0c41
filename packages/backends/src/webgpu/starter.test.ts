import { engine, getBackend, matMul, memory, ones, sum, tensor, variable } from '@tensorflow/tfjs-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { useBackend } from '../use-backend.js'
import { webgpu } from './starter.js'
import type { WatchedBackend } from './watch-device.js'

const missing = await webgpu.start({}).then(
  () => undefined,
  (error: Error) => error.message,
)

const current = () => engine().backend as WatchedBackend & { learngeneAdapterInfo?: GPUAdapterInfo }

describe.skipIf(missing !== undefined)(`on a device${missing ? ` (${missing})` : ''}`, () => {
  beforeEach(async () => {
    await useBackend('webgpu')
  })

  test('computes, tells its device, and does not leave a navigator behind that Node has not', async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
    const { device, features } = await webgpu.start({})
    expect(device).toMatch(/\S/)
    expect(features.some((feature) => /^\d+ storage buffers$/.test(feature))).toBe(true)
    expect(await sum(matMul(ones([70, 50]), ones([50, 30]))).data()).toEqual(new Float32Array([70 * 50 * 30]))
    expect(Object.getOwnPropertyDescriptor(globalThis, 'navigator')).toEqual(before)
  })

  test("leaves the adapter's own info on the backend", () => {
    const { learngeneAdapterInfo: own, device } = current()
    expect(own).toBeInstanceOf(GPUAdapterInfo)
    expect(own!.vendor).toBe(device.adapterInfo.vendor)
  })

  test('five concurrent and repeated starts are one device', async () => {
    const { device } = current()
    await Promise.all(Array.from({ length: 5 }, () => useBackend('webgpu')))
    expect(current().device).toBe(device)
    await useBackend('cpu')
    await useBackend('webgpu')
    expect(current().device).toBe(device)
  })

  test('a failed command is an error of the next read, and only of that', async () => {
    current().device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE })
    const y = sum(ones([8]))
    await expect(y.data()).rejects.toThrow(/^a WebGPU command failed: /)
    expect(await sum(ones([8])).data()).toEqual(new Float32Array([8]))
  })

  test('a lost device is an error of every read until the backend is started again', async () => {
    const weights = variable(tensor([1, 2, 3]))
    const { device } = current()
    await sum(weights).data()
    device.destroy()
    await expect(sum(ones([8])).data()).rejects.toThrow(/^the GPU device was lost \(destroyed.*useBackend\('webgpu'\).*last checkpoint$/)
    await expect(sum(ones([8])).data()).rejects.toThrow('the GPU device was lost')
    await useBackend('webgpu')
    expect(getBackend()).toBe('webgpu')
    expect(current().device).not.toBe(device)
    expect(await sum(ones([8])).data()).toEqual(new Float32Array([8]))
    const before = memory().numTensors
    const values = tensor([4, 5, 6])
    weights.assign(values)
    expect(await weights.data()).toEqual(new Float32Array([4, 5, 6]))
    weights.dispose()
    values.dispose()
    expect(memory().numTensors).toBe(before - 1)
  })

  test('a device lost between submission and read is that error, not one of the driver', async () => {
    const y = sum(matMul(ones([300, 300]), ones([300, 300])))
    const read = y.data()
    current().device.destroy()
    await expect(read).rejects.toThrow('the GPU device was lost')
    await useBackend('webgpu')
  })
})
