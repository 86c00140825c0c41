import { expect, it } from 'vitest'
import { countByBackend } from './count-by-backend.mjs'

const test = (backend: string | undefined, gradients: number, status = 'passed', place = 'Node') => ({
  status,
  meta: backend === undefined ? {} : { backend, place, gradients },
})

it('counts passed tests by backend, place, and whether they computed gradients or are about training', () => {
  const results = [
    { name: '/x/packages/ops/src/gelu.backends.test.ts', assertionResults: [test('wasm', 0), test('wasm', 2), test('wasm', 2, 'failed')] },
    {
      name: '/x/packages/ops/src/gelu.backends.test.ts',
      assertionResults: [test('wasm', 1, 'passed', 'Chromium'), test('webgpu', 0, 'skipped')],
    },
    { name: '/x/packages/training/src/sgd.backends.test.ts', assertionResults: [test('cpu', 0), test(undefined, 0)] },
  ]
  expect(countByBackend(results)).toEqual({
    wasm: { Node: { inference: 1, training: 1 }, Chromium: { inference: 0, training: 1 } },
    cpu: { Node: { inference: 0, training: 1 } },
  })
})
