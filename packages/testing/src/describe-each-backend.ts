import { engine } from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, beforeEach, describe, inject } from 'vitest'
import { PAGE_BACKENDS, type TestBackend } from './backends.js'
import { checkGpu } from './check-gpu.js'
import { countGradients } from './count-gradients.js'
import { findAvailable, startBackend } from './start-backend.js'
import { TOLERANCES, type Tolerances } from './tolerances.js'

export interface TestedBackend {
  readonly name: TestBackend
  readonly tolerances: Tolerances
}

const place = typeof window === 'undefined' ? 'Node' : 'Chromium'
const available = inject('available') ?? (await findAvailable(PAGE_BACKENDS))

/**
 * Describes tests once for every backend: under Node tensorflow, webgpu, wasm and cpu, in a page webgpu and wasm. One that the machine lacks is
 * skipped, with the reason in the title, or fails where `LEARNGENE_REQUIRE_BACKENDS` names it. After each test its tensors are freed, and an
 * error that the GPU reported fails it.
 */
export function describeEachBackend(tests: (backend: TestedBackend) => void): void {
  for (const { name, reason } of available) {
    const skipped = reason !== null && !inject('required').includes(name)
    describe.skipIf(skipped)(skipped ? `on ${name} (which is not here: ${reason})` : `on ${name}`, () => {
      beforeAll(() => startBackend(name))
      beforeEach(() => engine().startScope())
      afterEach(async ({ task }) => {
        Object.assign(task.meta, { backend: name, place, gradients: countGradients() })
        if (name === 'webgpu') await checkGpu()
        engine().endScope()
      })
      tests({ name, tolerances: TOLERANCES[name] })
    })
  }
}
