import { engine, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core'
import type { KernelName } from '../kernels.js'
import { adamWKernels } from './adamw/kernels.js'
import { attentionKernels } from './attention/kernels.js'
import type { WebGPUBackend } from './backend.js'
import { layerNormKernels } from './layer-norm/kernels.js'
import { linearKernels } from './linear/kernels.js'
import { lossKernels } from './losses/kernels.js'
import { pixelKernels } from './pixels.js'

const BACKEND = 'webgpu'

/** Makes this package's kernels for one backend instance. */
type KernelSet = (backend: WebGPUBackend) => { readonly [name in KernelName]?: KernelFunc }

const KERNEL_SETS: readonly KernelSet[] = [adamWKernels, attentionKernels, layerNormKernels, linearKernels, lossKernels, pixelKernels]

let seen: WebGPUBackend | undefined

/** Registers this package's own WGSL kernels for the current WebGPU backend, once per backend instance; they go when it is removed. */
export function installWebGPUKernels(): void {
  const backend = engine().backend as WebGPUBackend
  if (backend === seen) return
  seen = backend
  const kernels: [string, KernelFunc][] = KERNEL_SETS.flatMap((set) => Object.entries(set(backend)))
  const uninstall = () => {
    seen = undefined
    for (const [name] of kernels) unregisterKernel(name, BACKEND)
  }
  for (const [index, [kernelName, kernelFunc]] of kernels.entries()) {
    registerKernel({ kernelName, backendName: BACKEND, kernelFunc, ...(index === 0 && { disposeFunc: uninstall }) })
  }
}
