import '@tensorflow/tfjs-backend-cpu'
import '../gradients.js'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { setBackend } from '@tensorflow/tfjs-core'

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)

export type TestBackend = 'cpu' | 'wasm'

export async function useBackend(name: TestBackend): Promise<void> {
  if (!(await setBackend(name))) throw new Error(`the ${name} backend does not start`)
}
