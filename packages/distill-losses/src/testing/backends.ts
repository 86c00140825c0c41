import '@tensorflow/tfjs-backend-cpu'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { setBackend } from '@tensorflow/tfjs-core'
import { beforeAll, describe } from 'vitest'

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)

/** Runs tests on every backend that plain Node has. */
export function describeBackends(tests: () => void): void {
  describe.each(['cpu', 'wasm'])('on %s', (backend) => {
    beforeAll(async () => {
      if (!(await setBackend(backend))) throw new Error(`the ${backend} backend does not start`)
    })
    tests()
  })
}
