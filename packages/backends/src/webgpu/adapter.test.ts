import { isSoftwareAdapter } from '@learngene/ops'
import { expect, test } from 'vitest'
import { describeAdapter } from './adapter.js'

test.each<[string, Partial<GPUAdapterInfo>, boolean]>([
  ['SwiftShader in Chromium', { vendor: 'google', architecture: 'swiftshader', device: '', description: '' }, true],
  ['SwiftShader in Dawn', { vendor: 'google', description: 'SwiftShader driver-5.0.0' }, true],
  ['llvmpipe', { vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
  ['Microsoft Basic Render Driver', { vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
  ['an unnamed fallback adapter', { isFallbackAdapter: true }, true],
  ['NVIDIA H100', { vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100 80GB HBM3' }, false],
  ['Apple', { vendor: 'apple', architecture: 'metal-3', isFallbackAdapter: false }, false],
  ['an adapter that tells nothing', {}, false],
])('%s: software %#', (_, info, software) => {
  expect(isSoftwareAdapter(info)).toBe(software)
})

test.each<[Partial<GPUAdapterInfo>, string]>([
  [{ vendor: 'google', architecture: 'swiftshader', device: '0x1' }, 'swiftshader (software)'],
  [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, 'llvmpipe (LLVM 15.0.6, 256 bits) (software)'],
  [{ isFallbackAdapter: true }, 'unnamed adapter (software)'],
  [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100 80GB HBM3' }, 'NVIDIA H100 80GB HBM3'],
  [{ vendor: 'apple', architecture: 'metal-3' }, 'apple metal-3'],
  [{}, 'unnamed adapter'],
])('%j is called %s', (info, name) => {
  expect(describeAdapter(info)).toBe(name)
})
