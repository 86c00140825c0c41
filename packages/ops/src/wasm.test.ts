import { startBackend } from '@learngene/testing'
import { engine, findBackendFactory, getKernel, registerBackend, removeBackend, tensor1d } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gelu } from './gelu.js'
import { findKernel, setOps } from './kernels.js'
import type { WasmBackend } from './wasm/backend.js'
import { COPY_KERNELS } from './wasm/copies.js'
import { instantiate } from './wasm/module.js'

beforeEach(() => startBackend('wasm'))
afterEach(() => setOps('auto'))

const registered = () => COPY_KERNELS.map((name) => getKernel(name, 'wasm').kernelFunc)

test('kernels go with a removed backend, stock kernels return, and a new backend gets its own', async () => {
  const stock = registered()
  expect(findKernel('LearngeneGelu')).toBeDefined()
  expect(registered()).not.toEqual(stock)

  const factory = findBackendFactory('wasm')
  removeBackend('wasm')
  expect(getKernel('LearngeneGelu', 'wasm')).toBeUndefined()
  expect(registered()).toEqual(stock)

  registerBackend('wasm', factory)
  await startBackend('wasm')
  const y = gelu(tensor1d([1]))
  expect(getKernel('LearngeneGelu', 'wasm')).toBeDefined()
  expect(y.dataSync()[0]).toBeCloseTo(0.8413447, 6)
})

test('the reference mode finds no kernel, and neither does the cpu backend', async () => {
  setOps('reference')
  expect(findKernel('LearngeneGelu')).toBeUndefined()
  setOps('auto')
  await startBackend('cpu')
  expect(findKernel('LearngeneGelu')).toBeUndefined()
})

test('a backend with threads gets a module too, one of unknown build none', () => {
  const shared = new WebAssembly.Memory({ initial: 100, maximum: 65_536, shared: true })
  const like = (part: object) => ({ wasm: { ...part, _malloc: () => 64 } }) as unknown as WasmBackend
  expect(instantiate(like({ asm: { memory: shared } }))).toBeDefined()
  expect(instantiate(like({}))).toBeUndefined()
})

test('a backend without room for the workspace gets no module', () => {
  const { wasm } = engine().backend as WasmBackend
  expect(instantiate({ wasm: { asm: wasm.asm, _malloc: () => 0 } } as unknown as WasmBackend)).toBeUndefined()
})
