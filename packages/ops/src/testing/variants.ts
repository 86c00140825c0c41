import { beforeAll, describe } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'
import { type TestBackend, useBackend } from './backends.js'

const VARIANTS: readonly { readonly backend: TestBackend; readonly ops: OpsMode }[] = [
  { backend: 'cpu', ops: 'auto' },
  { backend: 'wasm', ops: 'reference' },
  { backend: 'wasm', ops: 'auto' },
]

/** Runs tests for every way in which an operation runs in plain Node. The cpu backend has no kernels of ours: there both modes are one. */
export function describeVariants(tests: () => void): void {
  describe.each(VARIANTS)('on $backend, $ops', ({ backend, ops }) => {
    beforeAll(async () => {
      await useBackend(backend)
      setOps(ops)
    })
    tests()
  })
}
