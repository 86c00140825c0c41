import { getKernel, type KernelFunc } from '@tensorflow/tfjs-core'
import { provideKernels } from './provide-kernels.js'
import type { WasmBackend } from './wasm/backend.js'
import { COPY_KERNELS, copyKernels } from './wasm/copies.js'
import { wasmKernels } from './wasm/kernels.js'
import { instantiate } from './wasm/module.js'

// This package's own WebAssembly kernels, and four of the backend's without needless copies. Where the module cannot run (no SIMD, no memory left) there are
// none and the reference forms stay in use.
provideKernels<WasmBackend>('wasm', (backend) => {
  const module = instantiate(backend)
  if (module === undefined) return {}
  const stock = Object.fromEntries(COPY_KERNELS.map((name): [string, KernelFunc] => [name, getKernel(name, 'wasm').kernelFunc]))
  return { ...wasmKernels(backend, module), ...copyKernels(backend, module, stock as Parameters<typeof copyKernels>[2]) }
})
