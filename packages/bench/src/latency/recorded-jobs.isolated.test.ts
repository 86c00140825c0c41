import { useBackend } from '@learngene/backends'
import { dispose, memory, mul, neg, tensor } from '@tensorflow/tfjs-core'
import { describe, expect, inject, it, vi } from 'vitest'
import { createRecordedJobs } from './recorded-jobs.js'

describe.each([
  ['webgpu', 2],
  ['wasm', 4],
] as const)('on %s', (backend, calls) => {
  it(`of four runs ${calls} call the function, and nothing stays`, async ({ skip }) => {
    await useBackend(backend).catch((error: Error) => {
      if (inject('required').includes(backend)) throw error
      skip(error.message)
    })
    const before = memory().numTensors
    const x = tensor([1, 2])
    const compute = vi.fn(() => mul(neg(x), 3))
    const jobs = createRecordedJobs()
    const job = jobs.of(compute)
    for (let i = 0; i < 4; i++) await job()
    expect(compute).toHaveBeenCalledTimes(calls)
    jobs.dispose()
    dispose(x)
    expect(memory().numTensors).toBe(before)
  })
})
