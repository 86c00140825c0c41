import { engine, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core'
import type { TensorFlowBackend } from './backend.js'
import { tensorflowKernels } from './kernels.js'

const BACKEND = 'tensorflow'

let seen: TensorFlowBackend | undefined

/** Registers this package's formulations for the current tensorflow backend, once per backend instance; they go when it is removed. */
export function installTensorFlowKernels(): void {
  const backend = engine().backend as TensorFlowBackend
  if (backend === seen) return
  seen = backend
  const kernels = Object.entries(tensorflowKernels(backend))
  const uninstall = () => {
    seen = undefined
    for (const [name] of kernels) unregisterKernel(name, BACKEND)
  }
  for (const [index, [kernelName, kernelFunc]] of kernels.entries()) {
    registerKernel({ kernelName, backendName: BACKEND, kernelFunc, ...(index === 0 && { disposeFunc: uninstall }) })
  }
}
