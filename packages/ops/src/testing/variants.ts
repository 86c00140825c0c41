import '../gradients.js'
import { describeEachBackend, type TestedBackend } from '@learngene/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'

/** Runs tests for every way in which an operation runs. The cpu backend has no kernels of ours: there both modes are one. */
export function describeVariants(tests: (backend: TestedBackend) => void): void {
  describeEachBackend((backend) => {
    const modes: readonly OpsMode[] = backend.name === 'cpu' ? ['auto'] : ['reference', 'auto']
    describe.each(modes)('%s', (ops) => {
      beforeAll(() => setOps(ops))
      afterAll(() => setOps('auto'))
      tests(backend)
    })
  })
}
