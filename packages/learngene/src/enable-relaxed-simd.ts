import { setFlagsFromString } from 'node:v8'

/**
 * Lets the kernels of @learngene/ops use fused multiply-add (about 30 % faster). Node 20 has the instructions behind a flag, later versions
 * by default. To be called before the first operation.
 */
export function enableRelaxedSimd(): void {
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')
}
