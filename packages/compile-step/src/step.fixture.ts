import { startBackend } from '@learngene/testing'
import { engine, memory, type Tensor, tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileStep } from './compile-step.js'
import { flush, type WebGPUBackend } from './webgpu/backend.js'

export const webgpu = () => engine().backend as WebGPUBackend

/** Tests of what one backend has; skipped, with the reason, where it cannot be started. */
export async function describeOn(backend: 'webgpu' | 'tensorflow', name: string, tests: () => void): Promise<void> {
  const missing = await startBackend(backend).then(
    () => undefined,
    (error: Error) => error.message,
  )
  describe.skipIf(missing)(missing ? `${name} (${missing})` : name, () => {
    beforeAll(() => startBackend(backend))
    tests()
  })
}

export const describeOnWebGPU = (name: string, tests: () => void): Promise<void> => describeOn('webgpu', name, tests)

/** A test that must leave no tensor behind. */
export const cleanTest = (name: string, run: () => Promise<void>): void =>
  test(name, async () => {
    const before = counts()
    await run()
    if (engine().backendName === 'webgpu') flush(webgpu())
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

/** A test that work on a vector of two is never recorded, runs plainly each time, and that the reason is told once. @param after frees what the work keeps */
export const plainTest = (name: string, reason: RegExp, work: (x: Tensor) => Tensor, after = () => {}): void =>
  cleanTest(name, async () => {
    const reasons: string[] = []
    const step = compileStep(work, { onFallback: (why) => reasons.push(why) })
    const x = tensor([1, 2])
    for (let i = 0; i < 3; i++) expect((await step.run(x).data()).length).toBe(2)
    expect(reasons).toEqual([expect.stringMatching(reason)])
    expect(step.stats()).toMatchObject({ recordings: 0, replays: 0, plainRuns: 3 })
    step.dispose()
    x.dispose()
    after()
  })
