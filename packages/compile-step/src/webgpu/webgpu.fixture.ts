import { existsSync } from 'node:fs'
import { useBackend } from '@learngene/backends'
import { engine, memory, type Tensor, tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import type { WebGPUBackend } from './backend.js'

/** Where Debian's chromium brings a software adapter. */
const ICD = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (existsSync(ICD)) process.env.VK_ICD_FILENAMES ??= ICD
process.env.XDG_RUNTIME_DIR ??= '/tmp'

const missing = await useBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

export const webgpu = () => engine().backend as WebGPUBackend

/** Tests that are skipped, with the reason, where WebGPU cannot be started. */
export const describeOnWebGPU = (name: string, tests: () => void): void =>
  void describe.skipIf(missing !== undefined)(missing ? `${name} (${missing})` : name, tests)

/** A test that must leave no tensor behind. */
export const cleanTest = (name: string, run: () => Promise<void> | void): void =>
  test(name, async () => {
    const before = counts()
    await run()
    if (webgpu().commandEncoder) webgpu().submitQueue()
    expect(counts()).toEqual(before)
  })

const counts = () => {
  const { numTensors, numDataBuffers } = memory()
  return { numTensors, numDataBuffers, dataIds: engine().backend.numDataIds() }
}

/** Numbers that are the same in each run of the tests. */
export const values = (length: number, seed = 1) => Float32Array.from({ length }, (_, i) => Math.sin(1 + 7.3 * seed + 1.7 * i))

export const read = async (...tensors: Tensor[]): Promise<number[][]> => Promise.all(tensors.map(async (each) => [...(await each.data())]))

export const createVariable = (data: number[] | Float32Array, shape: number[] = [data.length], name?: string): Variable =>
  tidy(() => variable(tensor(data, shape), true, name))

export const createModel = () => ({ weight: createVariable(values(32), [8, 4]), bias: createVariable(values(4, 2)) })
