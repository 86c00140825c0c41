import { engine, getBackend, memory } from '@tensorflow/tfjs-core'
import type { GpuMeter } from './gpu-meter.js'

/** The most memory that was in use, and whose it is: GPU buffers, the whole process, the wasm module's linear memory, or tensors at present. */
export interface Memory {
  readonly bytes: number
  readonly of: 'gpu' | 'process' | 'wasm' | 'tensors'
}

export function peakMemory(gpu?: GpuMeter): Memory {
  if (gpu) return { bytes: gpu.peakBytes, of: 'gpu' }
  const { process } = globalThis
  if (typeof process?.resourceUsage === 'function') return { bytes: process.resourceUsage().maxRSS * 1024, of: 'process' }
  if (getBackend() === 'wasm') {
    const { wasm } = engine().backend as unknown as {
      wasm: { asm?: { memory?: WebAssembly.Memory }; wasmMemory?: WebAssembly.Memory }
    }
    const linear = wasm.asm?.memory ?? wasm.wasmMemory
    if (linear) return { bytes: linear.buffer.byteLength, of: 'wasm' }
  }
  return { bytes: memory().numBytes, of: 'tensors' }
}
