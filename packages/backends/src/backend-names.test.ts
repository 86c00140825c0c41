import { expect, test } from 'vitest'
import { assertBackendName, BACKEND_NAMES } from './backend-names.js'

test('takes auto and the five names', () => {
  for (const name of ['auto', ...BACKEND_NAMES]) expect(() => assertBackendName(name)).not.toThrow()
})

test.each(['webgl', '', 'WASM', 'toString'])('refuses %j and lists the names', (name) => {
  expect(() => assertBackendName(name)).toThrow(
    `a backend's name must be one of auto, tensorflow-gpu, webgpu, tensorflow, wasm, cpu, got '${name}'`,
  )
})
