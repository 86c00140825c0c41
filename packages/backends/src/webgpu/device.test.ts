import { expect, test, vi } from 'vitest'
import { describeDevice, requestDevice } from './device.js'

const limits = {
  maxBufferSize: 3 * 2 ** 29,
  maxStorageBufferBindingSize: 2 ** 30,
  maxStorageBuffersPerShaderStage: 12,
  maxComputeWorkgroupStorageSize: 32_768,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupSizeY: 1024,
  maxComputeWorkgroupsPerDimension: 65_535,
}
const adapter = (features: string[], requestDevice: unknown) =>
  ({ features: new Set(features), limits, requestDevice }) as unknown as GPUAdapter

test("asks for the adapter's limits and for those features that it has and kernels use", async () => {
  const request = vi.fn(async () => 'device')
  await expect(requestDevice(adapter(['shader-f16', 'subgroups', 'depth-clip-control'], request))).resolves.toBe('device')
  expect(request).toHaveBeenCalledWith({ requiredFeatures: ['shader-f16', 'subgroups'], requiredLimits: limits })
})

test('an adapter that gives no device says why', async () => {
  const refuse = () => Promise.reject(new Error('the driver is busy'))
  await expect(requestDevice(adapter([], refuse))).rejects.toThrow('the adapter gives no device: the driver is busy')
})

test('describes a device by what kernels can make use of', () => {
  const device = { features: new Set(['shader-f16', 'chromium-experimental-subgroup-matrix']), limits } as unknown as GPUDevice
  expect(describeDevice(device)).toEqual(['f16', 'subgroup matrices', '12 storage buffers', 'buffer limit 1.5 GiB'])
})
