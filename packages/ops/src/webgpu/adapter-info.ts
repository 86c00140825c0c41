import type { WebGPUBackend } from './backend.js'

/** What the adapter of a backend tells of itself: what its device repeats of it where somebody else has made the backend. */
export function adapterInfoOf({
  device,
  learngeneAdapterInfo,
}: Pick<WebGPUBackend, 'device' | 'learngeneAdapterInfo'>): Partial<GPUAdapterInfo> {
  return learngeneAdapterInfo ?? device.adapterInfo ?? {}
}
