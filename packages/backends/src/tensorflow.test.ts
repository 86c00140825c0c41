import { add, engine, findBackendFactory, tensor1d } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { resolvePackage } from './import-package.js'
import { makeCurrent } from './initialise.js'
import { restoreUtil, tensorflow, tensorflowGpu } from './tensorflow.js'

const registered = findBackendFactory('tensorflow') !== null
const here = registered || resolvePackage('@tensorflow/tfjs-node') !== undefined
const gpuHere = resolvePackage('@tensorflow/tfjs-node-gpu') !== undefined

test.skipIf(here)('without tfjs-node: the command that brings it', async () => {
  await expect(tensorflow.start({})).rejects.toThrow(
    '@tensorflow/tfjs-node is not installed; get it with: npm install @tensorflow/tfjs-node@4.22.0',
  )
})

test.skipIf(registered || gpuHere)('without tfjs-node-gpu: the command that brings it', async () => {
  await expect(tensorflowGpu.start({})).rejects.toThrow(
    '@tensorflow/tfjs-node-gpu is not installed; get it with: npm install @tensorflow/tfjs-node-gpu@4.22.0',
  )
})

test.skipIf(!here || gpuHere)('with tfjs-node: starts without becoming current, and computes', async () => {
  const before = engine().backendName
  const { version } = await tensorflow.start({})
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  if (before) expect(engine().backendName).toBe(before)
  await makeCurrent('tensorflow')
  expect(Array.from(add(tensor1d([1, 2]), 1).dataSync())).toEqual([2, 3])
  await expect(tensorflowGpu.start({})).rejects.toThrow('TensorFlow runs on the CPU in this process')
})

test('puts back the functions of node:util that Node 23 took away', () => {
  const util: Parameters<typeof restoreUtil>[0] = {}
  restoreUtil(util)
  expect([null, undefined, 0, ''].map((value) => util.isNullOrUndefined!(value))).toEqual([true, true, false, false])
  expect([[], {}].map((value) => util.isArray!(value))).toEqual([true, false])
})

test('leaves those that are there', () => {
  const isArray = () => true
  const util = { isArray }
  restoreUtil(util)
  expect(util.isArray).toBe(isArray)
})
