import {
  add,
  dispose,
  matMul,
  mean,
  mul,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core'
import { expect, vi } from 'vitest'
import { compileStep } from '../index.js'
import { cleanTest, createVariable, describeOnWebGPU, read, values, webgpu } from '../step.fixture.js'

await describeOnWebGPU('memory', () => {
  cleanTest('a limit drops the recording that was used least recently', async () => {
    const work = (x: Tensor) => sum(square(add(mul(x, 3), 1)))
    const inputs = [64, 96, 128].map((size) => tensor(values(size * size), [size, size]))
    const plain = inputs.map((x) => tidy(() => work(x)))
    const expected = await read(...plain)
    dispose(plain)
    const largest = compileStep(work)
    largest.run(inputs[2]!)
    const { bytes } = largest.stats()
    largest.dispose()
    const step = compileStep(work, { memoryLimit: bytes })
    const recordings: number[] = []
    for (const i of [0, 1, 0, 2, 0, 2, 1, 1, 0]) {
      expect(await read(step.run(inputs[i]!))).toEqual([expected[i]])
      expect(step.stats().bytes).toBeLessThanOrEqual(bytes)
      recordings.push(step.stats().recordings)
    }
    expect(recordings).toEqual([1, 2, 2, 1, 1, 1, 1, 1, 2])
    expect(step.stats()).toMatchObject({ plainRuns: 0, replays: 9, captures: 2 * 7 })
    step.dispose()
    for (const x of inputs) x.dispose()
  })

  cleanTest('a recording that is larger than the limit is not made', async () => {
    const reasons: string[] = []
    const step = compileStep((x: Tensor) => add(x, 1), { memoryLimit: 1000, onFallback: (why) => reasons.push(why) })
    const x = zeros([1024])
    expect(await read(step.run(x))).toEqual([Array(1024).fill(1)])
    expect(reasons).toEqual([expect.stringMatching(/^a recording of it takes \d+ bytes; memoryLimit is 1000$/)])
    step.dispose()
    x.dispose()
  })

  cleanTest('what is held is freed, and nothing is made once a step is recorded', async () => {
    const weight = createVariable(values(4096), [64, 64])
    const deep = (x: Tensor2D) => {
      let y: Tensor2D = x
      for (let i = 0; i < 6; i++) y = add(square(matMul(y, weight as Tensor2D)), 0.01)
      weight.assign(mul(weight, 0.99))
      return mean(y)
    }
    const { bufferManager, device } = webgpu()
    const x = tensor2d(values(4096, 3), [64, 64])
    const created = vi.spyOn(device, 'createBuffer')
    const allocated: number[] = []
    for (let round = 0; round < 3; round++) {
      const step = compileStep(deep)
      await read(step.run(x))
      const made = created.mock.calls.length
      for (let i = 0; i < 4; i++) await read(step.run(x))
      expect(created).toHaveBeenCalledTimes(made)
      const { newBuffers, uploads, bytes, plainBytes, dispatches, copies } = step.stats()
      expect({ newBuffers, uploads, copies }).toEqual({ newBuffers: 0, uploads: 1, copies: 1 })
      expect(dispatches).toBeGreaterThanOrEqual(3 * 6)
      expect(bytes).toBeLessThan(plainBytes / 4)
      step.dispose()
      expect(step.stats()).toMatchObject({ buffers: 0, bytes: 0, recordings: 0 })
      allocated.push(bufferManager.numBytesAllocated)
    }
    expect(allocated[2]).toBe(allocated[1])
    created.mockRestore()
    dispose([x, weight])
  })
})
