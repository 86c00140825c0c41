import { engine, findBackendFactory, type KernelBackend } from '@tensorflow/tfjs-core'
import { importPackage } from './import-package.js'
import { initialise, makeCurrent } from './initialise.js'
import { isNode, nodeBuiltin } from './node-builtin.js'
import type { Starter } from './starter.js'

/** What tfjs-node's backend has besides the methods that all backends have. */
type TensorFlowBackend = KernelBackend & { isUsingGpuDevice: boolean; binding: { TF_Version: string } }

/** tfjs-node calls two functions of `node:util` that Node 23 took away; puts back those that are missing. */
export function restoreUtil(util: { isNullOrUndefined?(value: unknown): boolean; isArray?(value: unknown): boolean }): void {
  util.isNullOrUndefined ??= (value) => value === null || value === undefined
  util.isArray ??= Array.isArray
}

/** tfjs-node and tfjs-node-gpu register one engine backend, `tensorflow`; the device it computes on tells which of our two names it has. */
function tensorflowStarter(name: 'tensorflow' | 'tensorflow-gpu', packageName: string): Starter {
  return {
    name,
    engineName: 'tensorflow',
    async start() {
      if (!isNode()) throw new Error('it runs under Node only')
      if (findBackendFactory('tensorflow') === null) {
        const current = engine().backendName
        restoreUtil(nodeBuiltin('node:util'))
        // Not a literal, so that bundlers do not follow it.
        await importPackage(packageName, () => import(/* @vite-ignore */ /* webpackIgnore: true */ packageName))
        // The import has made its backend the current one.
        if (current) await makeCurrent(current)
      }
      const backend = (await initialise('tensorflow')) as TensorFlowBackend
      if (backend.isUsingGpuDevice !== (name === 'tensorflow-gpu')) {
        throw new Error(
          backend.isUsingGpuDevice
            ? 'TensorFlow runs on the GPU in this process, and a process holds one TensorFlow; ask for tensorflow-gpu'
            : `TensorFlow runs on the CPU in this process: it found no CUDA device, or another package than ${packageName} brought it`,
        )
      }
      return { version: backend.binding.TF_Version, device: null, features: [] }
    },
  }
}

export const tensorflow = tensorflowStarter('tensorflow', '@tensorflow/tfjs-node')
export const tensorflowGpu = tensorflowStarter('tensorflow-gpu', '@tensorflow/tfjs-node-gpu')
