import { engine, findBackendFactory, type KernelBackend } from '@tensorflow/tfjs-core'
import { firstLine, resolvePackage } from './import-package.js'
import { initialise, makeCurrent } from './initialise.js'
import { isNode, nodeBuiltin } from './node-builtin.js'
import type { Starter } from './starter.js'
import { INSTALL_COMMANDS, registerInstallation, TENSORFLOW_PACKAGES, type TensorFlowName } from './tensorflow-installation.js'

/** What tfjs-node's backend has besides the methods that all backends have. */
type TensorFlowBackend = KernelBackend & { isUsingGpuDevice: boolean; binding: { TF_Version: string } }

/** tfjs-node calls two functions of `node:util` that Node 23 took away, and that warn in the versions before. */
export function restoreUtil(util: { isNullOrUndefined?(value: unknown): boolean; isArray?(value: unknown): boolean }): void {
  util.isNullOrUndefined = (value) => value === null || value === undefined
  util.isArray = Array.isArray
}

/** Loads a tfjs-node that somebody has installed and built by other means. */
async function importTensorFlow(name: TensorFlowName): Promise<void> {
  const packageName = TENSORFLOW_PACKAGES[name]
  if (resolvePackage(packageName) === undefined) {
    throw new Error(`${packageName} is not installed; get it with: ${INSTALL_COMMANDS[name]}`)
  }
  const current = engine().backendName
  try {
    // Not a literal, so that bundlers do not follow it.
    await import(/* @vite-ignore */ /* webpackIgnore: true */ packageName)
  } catch (error) {
    throw new Error(
      `${packageName} is installed but does not load (${firstLine(error)}); build one that does with: ${INSTALL_COMMANDS[name]}`,
    )
  }
  // The import has made its backend the current one.
  if (current) await makeCurrent(current)
}

/** tfjs-node and tfjs-node-gpu register one engine backend, `tensorflow`; the device it computes on tells which of our two names it has. */
function tensorflowStarter(name: TensorFlowName): Starter {
  return {
    name,
    engineName: 'tensorflow',
    loadKernels: () => import('@learngene/ops/tensorflow'),
    async start() {
      if (!isNode()) throw new Error('it runs under Node only')
      if (findBackendFactory('tensorflow') === null) {
        restoreUtil(nodeBuiltin('node:util'))
        if (!registerInstallation(name)) await importTensorFlow(name)
      }
      const backend = (await initialise('tensorflow')) as TensorFlowBackend
      if (backend.isUsingGpuDevice !== (name === 'tensorflow-gpu')) {
        throw new Error(
          backend.isUsingGpuDevice
            ? 'TensorFlow runs on the GPU in this process, and a process holds one TensorFlow; ask for tensorflow-gpu'
            : `TensorFlow runs on the CPU in this process: it found no CUDA device, or another package than ${TENSORFLOW_PACKAGES[name]} brought it`,
        )
      }
      const gpu = backend.isUsingGpuDevice
      return {
        version: backend.binding.TF_Version,
        device: gpu ? await nvidiaDevice() : null,
        features: gpu ? ['cuda'] : [`threads ${nodeBuiltin('node:os').availableParallelism()}`],
      }
    },
  }
}

/** The graphics cards' names as NVIDIA's Linux driver tells them; null where it does not. TensorFlow's C interface has no name for them. */
export async function nvidiaDevice(directory = '/proc/driver/nvidia/gpus'): Promise<string | null> {
  const { readdir, readFile } = nodeBuiltin('node:fs/promises')
  try {
    const texts = await Promise.all((await readdir(directory)).map((gpu) => readFile(`${directory}/${gpu}/information`, 'utf8')))
    const names = new Set(texts.flatMap((text) => /^Model:\s*(.+?)\s*$/m.exec(text)?.[1] ?? []))
    return [...names].join(', ') || null
  } catch {
    return null
  }
}

export const tensorflow = tensorflowStarter('tensorflow')
export const tensorflowGpu = tensorflowStarter('tensorflow-gpu')
