import { engine, getKernel, type KernelConfig, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core'
import type { WasmBackend } from './backend.js'
import { COPY_KERNELS, copyKernels } from './copies.js'
import { wasmKernels } from './kernels.js'
import { instantiate } from './module.js'

const BACKEND = 'wasm'

let seen: WasmBackend | undefined

/**
 * Registers this package's own WebAssembly kernels for the current wasm backend, once per backend instance; they go when it is removed.
 * Where the module cannot run (no SIMD, threads, no memory left) nothing is registered and the reference forms stay in use.
 */
export function installWasmKernels(): void {
  const backend = engine().backend as WasmBackend
  if (backend === seen) return
  seen = backend
  const module = instantiate(backend)
  if (module === undefined) return

  const own = Object.entries(wasmKernels(backend, module))
  const stock = COPY_KERNELS.map((name) => getKernel(name, BACKEND))
  const replacements = copyKernels(
    backend,
    module,
    Object.fromEntries(stock.map((config) => [config.kernelName, config.kernelFunc])) as never,
  )

  const uninstall = () => {
    seen = undefined
    for (const [name] of own) unregisterKernel(name, BACKEND)
    for (const config of stock) replaceKernel(config)
  }
  for (const [index, [kernelName, kernelFunc]] of own.entries()) {
    registerKernel({ kernelName, backendName: BACKEND, kernelFunc, ...(index === 0 && { disposeFunc: uninstall }) })
  }
  for (const config of stock) replaceKernel({ ...config, kernelFunc: replacements[config.kernelName as keyof typeof replacements] })
}

function replaceKernel(config: KernelConfig): void {
  unregisterKernel(config.kernelName, config.backendName)
  registerKernel(config)
}
