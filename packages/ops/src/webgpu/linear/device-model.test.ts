import { expect, test } from 'vitest'
import { checkDeviceModel, type DeviceClass, deviceClassOf } from './device-model.js'

test.each<[Partial<GPUAdapterInfo>, DeviceClass]>([
  [{ vendor: 'google', architecture: 'swiftshader' }, 'software'],
  [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, 'software'],
  [{ vendor: 'nvidia', architecture: 'lovelace', device: 'NVIDIA GeForce RTX 4060' }, 'discrete'],
  [{ vendor: 'nvidia', architecture: 'ampere', description: 'NVIDIA A100-SXM4-80GB' }, 'datacentre'],
  [{ vendor: 'nvidia', architecture: 'hopper' }, 'hopper'],
  [{ vendor: 'nvidia', device: 'NVIDIA H100 80GB HBM3' }, 'hopper'],
  [{ vendor: 'nvidia', architecture: '', device: 'nvidia-h200', description: 'NVIDIA: 580.159.04 580.159.4.0' }, 'hopper'],
  [{ vendor: 'nvidia', device: 'nvidia-h100-80gb-hbm3' }, 'hopper'],
  [{ vendor: 'nvidia', device: 'nvidia-a100-sxm4-80gb' }, 'datacentre'],
  [{ vendor: 'nvidia', device: 'nvidia-gh200-480gb' }, 'hopper'],
  [{ vendor: 'amd', device: 'amd-instinct-mi300x' }, 'datacentre'],
  [{ vendor: 'amd', device: 'AMD Instinct MI210' }, 'datacentre'],
  [{ vendor: 'nvidia', device: 'nvidia-geforce-rtx-4090' }, 'discrete'],
  [{ vendor: 'nvidia', device: 'nvidia-rtx-a1000' }, 'discrete'],
  [{ vendor: 'amd', architecture: 'rdna-3' }, 'discrete'],
  [{ vendor: 'apple', architecture: 'metal-3' }, 'apple'],
  [{ vendor: 'qualcomm', architecture: 'adreno-7xx' }, 'mobile'],
  [{ vendor: 'intel', architecture: 'gen-12lp' }, 'integrated'],
  [{}, 'integrated'],
])('%j is %s', (info, name) => {
  expect(deviceClassOf(info)).toBe(name)
})

test.each<[object, string]>([
  [{ processors: 0 }, 'processors of a device model must be a number above 0; got 0'],
  [{ launch: Number.NaN }, 'launch of a device model must be a number above 0; got NaN'],
  [{ cores: 3 }, "a device model has processors, rate, bytesPerSecond, registers, accumulators, launch; got 'cores'"],
])('refuses %j', (model, message) => {
  expect(() => checkDeviceModel(model)).toThrow(message)
})
