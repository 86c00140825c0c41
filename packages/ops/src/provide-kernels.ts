import { engine, getKernel, type KernelBackend, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core'

/** The name in TensorFlow.js's registry of what installs a backend's kernels of ours: there, so that whoever looks for them finds it without importing it. */
export const INSTALLER = 'LearngeneKernels'

/**
 * What importing an entry such as `@learngene/ops/wasm` does, before or after its backend has started: the first operation on an instance of the backend has its
 * kernels made and registered, those of the backend's own that have the same names replaced. They go, and the backend's own return, when the backend is removed.
 *
 * @param make gives the kernels for one instance by name
 */
export function provideKernels<B extends KernelBackend>(
  backendName: string,
  make: (backend: B) => { readonly [name: string]: KernelFunc | undefined },
): void {
  let seen: KernelBackend | undefined
  let restore: readonly (() => void)[] = []
  const uninstall = () => {
    for (const each of restore) each()
    restore = []
    seen = undefined
  }
  const install = () => {
    const { backend } = engine()
    if (backend === seen) return
    uninstall()
    seen = backend
    restore = Object.entries(make(backend as B)).map(([name, kernelFunc]) => replaceKernel(name, backendName, kernelFunc!))
  }
  const kernelFunc: KernelFunc = () => {
    install()
    return []
  }
  const earlier = getKernel(INSTALLER, backendName)
  if (earlier) {
    // Of another copy of this package.
    earlier.disposeFunc?.(undefined as never)
    unregisterKernel(INSTALLER, backendName)
  }
  registerKernel({ kernelName: INSTALLER, backendName, kernelFunc, disposeFunc: uninstall })
}

/** Registers a kernel, and gives what undoes it. */
function replaceKernel(kernelName: string, backendName: string, kernelFunc: KernelFunc): () => void {
  const stock = getKernel(kernelName, backendName)
  if (stock) unregisterKernel(kernelName, backendName)
  registerKernel({ ...stock, kernelName, backendName, kernelFunc })
  return () => {
    unregisterKernel(kernelName, backendName)
    if (stock) registerKernel(stock)
  }
}
