import { type BackendDescription, describeBackends } from '@learngene/backends'
import { enableProdMode } from '@tensorflow/tfjs-core'
import { enableRelaxedSimd } from '../enable-relaxed-simd.js'

/** All backends, without the greeting that TensorFlow.js prints in Node. */
export function listBackends(): Promise<BackendDescription[]> {
  enableRelaxedSimd()
  enableProdMode()
  return describeBackends()
}
