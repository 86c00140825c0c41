import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'
import { getKernel, setBackend, tensor1d, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { gelu } from './gelu.js'
import { findKernel, getOps, type OpsMode, setOps } from './kernels.js'

const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
/** Without what TensorFlow.js's cpu backend has to say. */
const warnings = () => warn.mock.calls.map(([message]) => String(message)).filter((message) => message.startsWith('@learngene'))

beforeEach(() => void warn.mockClear())
afterEach(() => setOps('auto'))

const run = () => tidy(() => gelu(tensor1d([1])).dataSync()[0])

test('the mode is auto until it is set', () => {
  expect(getOps()).toBe('auto')
  setOps('reference')
  expect(getOps()).toBe('reference')
})

test('an unknown mode is refused and changes nothing', () => {
  expect(() => setOps('fast' as OpsMode)).toThrow("setOps takes 'auto' or 'reference', got 'fast'")
  expect(getOps()).toBe('auto')
})

test('cpu has no kernels to miss', async () => {
  await setBackend('cpu')
  expect(run()).toBeCloseTo(0.8413447, 6)
  expect(warnings()).toEqual([])
})

test('a backend whose kernels nobody has imported runs the reference form and says so once, unless that is asked for', async () => {
  await setBackend('wasm')
  setOps('reference')
  run()
  expect(warnings()).toEqual([])
  setOps('auto')
  expect([run(), run()]).toEqual([expect.closeTo(0.8413447, 6), expect.closeTo(0.8413447, 6)])
  expect(warnings()).toEqual([
    expect.stringMatching(
      /^@learngene\/ops: the kernels for wasm are not loaded, .*import '@learngene\/ops\/wasm' .*setOps\('reference'\)/,
    ),
  ])
})

test('importing them is enough, before or after the backend has started', async () => {
  const stock = getKernel('Identity', 'wasm').kernelFunc
  await import('./wasm.js')
  expect(getKernel('Identity', 'wasm').kernelFunc, 'nothing is replaced before the first operation').toBe(stock)
  expect(findKernel('LearngeneGelu')).toBeDefined()
  expect(run()).toBeCloseTo(0.8413447, 6)
  await setBackend('cpu')
  expect(findKernel('LearngeneGelu')).toBeUndefined()
  await setBackend('wasm')
  expect(findKernel('LearngeneGelu')).toBeDefined()
  expect(warnings()).toEqual([])
})
