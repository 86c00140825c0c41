import { engine, type KernelBackend, registerBackend, removeBackend } from '@tensorflow/tfjs-core'
import { importPackage, TFJS_VERSION } from '../import-package.js'
import { initialise } from '../initialise.js'
import { isNode } from '../node-builtin.js'
import type { Starter } from '../starter.js'
import { describeDevice, requestDevice } from './device.js'
import { isLost, type WatchedBackend, watchDevice } from './watch-device.js'

const PRIORITY = 3

type TfjsWebGPU = typeof import('@tensorflow/tfjs-backend-webgpu')

type WebGPUBackend = WatchedBackend & { learngeneDevice?: string; learngeneAdapterInfo?: GPUAdapterInfo }

/** Backends whose measured plans have been looked for. */
const prepared = new WeakSet<object>()

/** Makes the backend on a device of our own: that of tfjs has 8 storage buffers per shader, no f16, and needs a browser. */
async function createBackend({ WebGPUBackend }: TfjsWebGPU): Promise<KernelBackend> {
  const [{ describeAdapter, requestAdapter }, { watchMemory }] = await Promise.all([import('./adapter.js'), import('./watch-memory.js')])
  const adapter = await requestAdapter()
  const { info } = adapter
  const device = await requestDevice(adapter)
  const backend = withNavigatorGpu(() => new WebGPUBackend(device, info)) as unknown as WebGPUBackend
  backend.learngeneDevice = describeAdapter(info)
  // @learngene/ops reads it: Dawn tells which matrix units there are in this one alone, not in that of the device.
  backend.learngeneAdapterInfo = info
  watchDevice(backend, watchMemory)
  return backend
}

/** The backend's constructor refuses to run where there is no `navigator.gpu`; under Node it is shown one for as long as that takes. */
function withNavigatorGpu<T>(run: () => T): T {
  if (!isNode()) return run()
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: {}, userAgent: 'node' }, configurable: true })
  try {
    return run()
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before)
    else Reflect.deleteProperty(globalThis, 'navigator')
  }
}

/** WebGPU: in browsers their own, under Node that of Dawn. */
export const webgpu: Starter = {
  name: 'webgpu',
  engineName: 'webgpu',
  loadKernels: () => import('@learngene/ops/webgpu'),
  async start() {
    const { registry, registryFactory } = engine()
    if (registry.webgpu === undefined || isLost(registry.webgpu)) {
      const tfjs = await importPackage('@tensorflow/tfjs-backend-webgpu', () => import('@tensorflow/tfjs-backend-webgpu'))
      // In browsers that import has registered a factory.
      if (registryFactory.webgpu) removeBackend('webgpu')
      registerBackend('webgpu', () => createBackend(tfjs), PRIORITY)
    }
    const backend = (await initialise('webgpu')) as WebGPUBackend
    return { version: TFJS_VERSION, device: backend.learngeneDevice ?? null, features: describeDevice(backend.device) }
  },
  async prepare() {
    const { backend } = engine()
    if (prepared.has(backend)) return
    prepared.add(backend)
    await (await import('./stored-tuning.js')).useStoredTuning()
  },
  assertAuto: async () => (await import('./adapter.js')).requireHardware(),
}
