import { adapterFacts } from '@learngene/ops/webgpu'
import { expect, inject, test } from 'vitest'
import { startBackend } from './start-backend.js'

const asked = inject('onGpu')

test.skipIf(!asked)(`webgpu in the page runs on a GPU${asked ? '' : ' (not asked for by LEARNGENE_GPU=1)'}`, async () => {
  await startBackend('webgpu')
  const { software, adapter } = adapterFacts()
  expect(software, `the adapter computes on the CPU: ${JSON.stringify(adapter)}`).toBe(false)
})
