import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import { engine, env, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core'
import type { WebGPUBackend as Backend } from '../webgpu/backend.js'

/** What WebGPU promises on every device, and nothing beyond: no limit is asked for, and no feature. */
export const LEAST_LIMITS = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
} as const

/** Kept: Dawn must not be collected while a device of it is in use. */
const instances: GPU[] = []

/**
 * Makes the webgpu backend of this process one on a device of the software adapter with the least limits.
 *
 * @param told what the backend reads in place of the device's limits, to meet small ones with small tensors
 * @returns the backend and the errors that its device reports, or undefined where there is no adapter
 */
export async function startLeastDevice(
  told: Partial<GPUSupportedLimits> = {},
): Promise<{ readonly backend: Backend; readonly errors: string[] } | undefined> {
  const { create, globals } = await import('webgpu')
  for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value
  const gpu = create(['enable-dawn-features=disable_workgroup_init'])
  instances.push(gpu)
  const adapter = await gpu.requestAdapter()
  if (!adapter) return undefined
  const device = await adapter.requestDevice()
  const { limits } = device
  Object.defineProperty(device, 'limits', {
    value: new Proxy(told, { get: (own, name) => own[name as keyof typeof own] ?? limits[name as 'maxBufferSize'] }),
  })
  const errors: string[] = []
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    errors.push(event.error.message)
  })
  if (engine().registryFactory.webgpu) removeBackend('webgpu')
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: {}, userAgent: 'node' }, configurable: true })
  registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info), 3)
  await setBackend('webgpu')
  if (before) Object.defineProperty(globalThis, 'navigator', before)
  else Reflect.deleteProperty(globalThis, 'navigator')
  env().set('WEBGPU_CPU_FORWARD', false)
  env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)
  return { backend: engine().backend as Backend, errors }
}
