import { cast, registerBackend, Tensor } from '@tensorflow/tfjs-core'
import { firstLine, resolvePackage } from './import-package.js'
import { nodeBuiltin } from './node-builtin.js'

export type TensorFlowName = 'tensorflow' | 'tensorflow-gpu'

export const TENSORFLOW_PACKAGES: { readonly [name in TensorFlowName]: string } = {
  tensorflow: '@tensorflow/tfjs-node',
  'tensorflow-gpu': '@tensorflow/tfjs-node-gpu',
}

export const INSTALL_COMMANDS: { readonly [name in TensorFlowName]: string } = {
  tensorflow: 'npx learngene install-tensorflow',
  'tensorflow-gpu': 'npx learngene install-tensorflow --gpu',
}

/** As tfjs-node's own index does. */
const PRIORITY = 3

type Chained = { toInt?(): Tensor; toFloat?(): Tensor }

/**
 * The folder of what `learngene install-tensorflow` makes: `node_modules/.learngene/tensorflow` (or `tensorflow-gpu`), beside the TensorFlow.js
 * that it is for. npm's install, prune and dedupe leave folders with a leading dot alone, and would remove a package that no manifest lists.
 */
export function tensorFlowDirectory(name: TensorFlowName): string {
  const { dirname, join } = nodeBuiltin('node:path')
  const core = resolvePackage('@tensorflow/tfjs-core/package.json')
  if (core === undefined) throw new Error('@tensorflow/tfjs-core is not installed; get it with: npm install @tensorflow/tfjs-core@4.22.0')
  return join(dirname(core), '..', '..', '.learngene', name)
}

/**
 * Registers the backend of an installation in the engine. Only tfjs-node's kernels, its backend and the addon are loaded: its index would
 * load all of TensorFlow.js, two more backends among it.
 *
 * @param directory as {@link tensorFlowDirectory} gives it
 * @returns whether there is an installation
 */
export function registerInstallation(name: TensorFlowName, directory = tensorFlowDirectory(name)): boolean {
  const manifest = nodeBuiltin('node:path').join(directory, 'package.json')
  if (!nodeBuiltin('node:fs').existsSync(manifest)) return false
  const require = nodeBuiltin('node:module').createRequire(manifest)
  const from = (file: string) => require(`${TENSORFLOW_PACKAGES[name]}/${file}`)
  // TensorFlow's own name for it: 2 leaves errors only.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  // Operations come one after the other; handing each to another thread costs more than it brings, while each still computes on all cores.
  process.env.TF_NUM_INTEROP_THREADS ??= '1'
  try {
    const binding = loadAddon(require.resolve(`${TENSORFLOW_PACKAGES[name]}/lib/napi-v8/tfjs_binding.node`))
    addChainedMethods(Tensor.prototype as Chained)
    from('dist/register_all_kernels.js')
    const { NodeJSKernelBackend } = from('dist/nodejs_kernel_backend.js')
    registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, TENSORFLOW_PACKAGES[name]), PRIORITY)
    return true
  } catch (error) {
    throw new Error(`the TensorFlow in ${directory} does not load (${firstLine(error)}); build it again with: ${INSTALL_COMMANDS[name]}`)
  }
}

/** Of `dlopen` under Linux: the library stays in memory when it is closed. */
const RTLD_NODELETE = 0x1000

/**
 * Loads an addon for as long as the process lives. Node closes it with the last thread that loaded it, and TensorFlow's library leaves functions behind that are
 * called when the process ends: without the library, where only threads had loaded it, that is a segmentation fault.
 */
function loadAddon(file: string): unknown {
  const { constants } = nodeBuiltin('node:os')
  const module = { exports: {} as unknown }
  process.dlopen(module, file, constants.dlopen.RTLD_LAZY | (process.platform === 'linux' ? RTLD_NODELETE : 0))
  return module.exports
}

/** The two that tfjs-node's kernels call (ArgMax and ArgMin of bool, Exp of int32) and that TensorFlow.js' core alone does not have. */
function addChainedMethods(prototype: Chained): void {
  prototype.toInt ??= function (this: Tensor) {
    return cast(this, 'int32')
  }
  prototype.toFloat ??= function (this: Tensor) {
    return cast(this, 'float32')
  }
}
