import { expect, test } from 'vitest'
import { factsOf } from './adapter-facts.js'
import type { AdapterInfo, WebGPUBackend } from './backend.js'

const fake = (adapterInfo: AdapterInfo, learngeneAdapterInfo?: AdapterInfo) =>
  ({ device: { adapterInfo }, learngeneAdapterInfo }) as unknown as WebGPUBackend

test("takes the adapter's own word where the device repeats less", () => {
  const matrices = [
    { M: 16, N: 8, K: 16, componentType: 'f16', resultComponentType: 'f32' },
    { M: 16, N: 8, K: 32, componentType: 'i8', resultComponentType: 'i32' },
  ]
  const own: AdapterInfo = {
    vendor: 'nvidia',
    architecture: 'hopper',
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
    subgroupMatrixConfigs: matrices,
  }
  expect(factsOf(fake({ vendor: 'nvidia' }, own))).toEqual({
    adapter: { vendor: 'nvidia', architecture: 'hopper', device: '', description: '' },
    software: false,
    subgroups: [32, 32],
    matrices: ['16x8x16 of f16 in f32', '16x8x32 of i8 in i32'],
  })
})

test('says null for what is not told, and which adapters compute on the CPU', () => {
  expect(factsOf(fake({ vendor: 'google', architecture: 'swiftshader', subgroupMinSize: 0, subgroupMaxSize: 0 }))).toEqual({
    adapter: { vendor: 'google', architecture: 'swiftshader', device: '', description: '' },
    software: true,
    subgroups: null,
    matrices: null,
  })
  expect(factsOf(fake({ vendor: 'amd', isFallbackAdapter: true })).software).toBe(true)
})
