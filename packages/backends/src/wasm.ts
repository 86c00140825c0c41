import { engine, env } from '@tensorflow/tfjs-core'
import { firstLine, importPackage, resolvePackage } from './import-package.js'
import { initialise } from './initialise.js'
import { isNode, nodeBuiltin } from './node-builtin.js'
import type { BackendOptions, Starter } from './starter.js'

const PACKAGE = '@tensorflow/tfjs-backend-wasm'
/** tfjs's flag: whether the build with threads is loaded. */
const THREADS = 'WASM_HAS_MULTITHREAD_SUPPORT'

/** The binary that the backend is going to load on this engine. */
async function binaryName(): Promise<string> {
  const [simd, threads] = await Promise.all([env().getAsync('WASM_HAS_SIMD_SUPPORT'), env().getAsync(THREADS)])
  if (!simd) return 'tfjs-backend-wasm.wasm'
  return threads ? 'tfjs-backend-wasm-threaded-simd.wasm' : 'tfjs-backend-wasm-simd.wasm'
}

const withSlash = (directory: string): string => (/[/\\]$/.test(directory) ? directory : `${directory}/`)

function pathsFor({ wasmPaths }: BackendOptions): BackendOptions['wasmPaths'] {
  if (typeof wasmPaths === 'string') return withSlash(wasmPaths)
  if (wasmPaths !== undefined || !isNode()) return wasmPaths
  return withSlash(nodeBuiltin('node:path').dirname(resolvePackage(PACKAGE)!))
}

/** Tells what is wrong with a binary before the backend's loader meets it: after one failure it takes no other path. */
async function checkBinary(path: string): Promise<void> {
  const bytes = await nodeBuiltin('node:fs/promises')
    .readFile(path.startsWith('file:') ? new URL(path) : path)
    .catch((error) => {
      throw new Error(`the wasm file ${path} cannot be read (${firstLine(error)}); pass the right directory as options.wasmPaths`)
    })
  if (!WebAssembly.validate(bytes)) {
    throw new Error(`the wasm file ${path} (${bytes.length} bytes) is not a valid WebAssembly module; install ${PACKAGE}@4.22.0 again`)
  }
}

/**
 * The backend's instance. Its build with threads starts workers from the text of one of its own functions, which a minifying bundler breaks:
 * the workers then fail and the backend would wait for them for ever. That is caught here, and the build without threads is taken.
 */
async function initialiseWithThreads(): Promise<void> {
  let onError: (event: Event) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    onError = (event) => {
      event.preventDefault()
      reject(new Error('the workers of the build with threads do not start'))
    }
  })
  globalThis.addEventListener('error', onError)
  try {
    await Promise.race([initialise('wasm'), failed])
  } catch {
    env().set(THREADS, false)
    await initialise('wasm')
  } finally {
    globalThis.removeEventListener('error', onError)
  }
}

/** WebAssembly, with SIMD where the engine has it. Threads need a cross-origin isolated page: in Node there is one. */
export const wasm: Starter = {
  name: 'wasm',
  engineName: 'wasm',
  loadKernels: () => import('@learngene/ops/wasm'),
  async start(options) {
    const backend = await importPackage(PACKAGE, () => import('@tensorflow/tfjs-backend-wasm'))
    if (engine().registry.wasm === undefined) {
      const paths = pathsFor(options)
      const file = await binaryName()
      const address = typeof paths === 'string' ? paths + file : paths?.[file]
      if (isNode() && address !== undefined) await checkBinary(address)
      if (paths !== undefined) backend.setWasmPaths(paths)
      const start = (await env().getAsync(THREADS)) ? initialiseWithThreads() : initialise('wasm')
      await start.catch((error) => {
        throw new Error(`the wasm file ${address ?? file} cannot be loaded (${firstLine(error)}); pass its directory as options.wasmPaths`)
      })
    }
    const simd = (await env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ['simd'] : []
    return {
      version: backend.version_wasm,
      device: null,
      features: [...simd, `threads ${backend.getThreadsCount()}`, 'memory limit 4 GiB'],
    }
  },
}
