import { type BackendName, type UsedBackend, useBackend } from '@learngene/backends'
import { enableProdMode } from '@tensorflow/tfjs-core'
import { enableRelaxedSimd } from './enable-relaxed-simd.js'

/** Starts a backend, without the greeting that TensorFlow.js prints in Node. */
export function startBackend(name: BackendName | 'auto'): Promise<UsedBackend> {
  enableRelaxedSimd()
  enableProdMode()
  return useBackend(name)
}
