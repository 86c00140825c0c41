import {
  engine,
  getKernel,
  type KernelBackend,
  type KernelFunc,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
} from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { findKernel } from './kernels.js'
import { provideKernels } from './provide-kernels.js'

const NAME = 'imagined'
const stock: KernelFunc = () => []
const kernelOf = (name: string) => getKernel(name, NAME)?.kernelFunc
const install = () => void findKernel('LearngeneGelu')

const start = async () => {
  registerBackend(NAME, () => ({ dispose() {} }) as unknown as KernelBackend)
  await setBackend(NAME)
}

beforeAll(() => registerKernel({ kernelName: 'Identity', backendName: NAME, kernelFunc: stock }))
beforeEach(start)
afterEach(() => {
  if (engine().registryFactory[NAME]) removeBackend(NAME)
})

test('the first operation makes the kernels, once for each instance of the backend; those of the same name return when it is removed', async () => {
  const own: KernelFunc = () => []
  const make = vi.fn(() => ({ LearngeneGelu: own, Identity: own }))
  provideKernels(NAME, make)
  expect(make).not.toHaveBeenCalled()
  install()
  install()
  expect(make.mock.calls).toEqual([[engine().backend]])
  expect([kernelOf('LearngeneGelu'), kernelOf('Identity')]).toEqual([own, own])
  removeBackend(NAME)
  expect(kernelOf('LearngeneGelu')).toBeUndefined()
  expect(kernelOf('Identity')).toBe(stock)
  await start()
  install()
  expect(make).toHaveBeenCalledTimes(2)
  expect(kernelOf('Identity')).toBe(own)
})

test('an instance that was put in the place of another gets its own, made from the stock kernels', () => {
  const seen: unknown[] = []
  provideKernels(NAME, () => {
    seen.push(kernelOf('Identity'))
    return { Identity: () => [] }
  })
  install()
  const other = { dispose() {} } as unknown as KernelBackend
  Object.assign(engine(), { backendInstance: other })
  install()
  expect(seen).toEqual([stock, stock])
})

test('kernels of a second copy of this package take the place of those of the first', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const [first, second]: KernelFunc[] = [() => [], () => []]
  provideKernels(NAME, () => ({ Identity: first! }))
  install()
  provideKernels(NAME, () => ({ Identity: second! }))
  expect(kernelOf('Identity')).toBe(stock)
  install()
  expect(kernelOf('Identity')).toBe(second)
  expect(warn).not.toHaveBeenCalled()
  warn.mockRestore()
})
