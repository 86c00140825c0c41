import { useBackend } from '@learngene/backends'
import { alone } from '@learngene/training'
import { getKernel, getKernelsForBackend } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { ownWork } from '../own-work.js'
import { stockWork } from './work.js'

const task = {
  what: 'train',
  model: { imageSize: 8, patchSize: 4, channels: 1, width: 8, depth: 1, heads: 2, classes: 3 },
  batch: 2,
} as const

it('runs on the kernels of the backend as it came, unlike ours', async () => {
  await useBackend('wasm')
  const kernels = () => getKernelsForBackend('wasm').map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc] as const)
  const before = kernels()
  await stockWork(task).run(1, () => {})
  expect(kernels()).toEqual(before)
  expect(getKernel('LearngeneLinear', 'wasm')).toBeUndefined()

  await ownWork(task, alone).run(1, () => {})
  expect(getKernel('LearngeneLinear', 'wasm')).toBeDefined()
})
