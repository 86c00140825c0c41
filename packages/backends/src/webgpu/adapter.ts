import { isSoftwareAdapter } from '@learngene/ops'
import { getGpu } from './gpu.js'
import { mayHaveVulkan } from './vulkan-driver.js'

/** Its own name, with `(software)` after those that compute on the CPU. */
export const describeAdapter = (info: Partial<GPUAdapterInfo>): string => {
  const { vendor, architecture, device, description } = info
  const own = device || description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
  const name = /^swiftshader/i.test(architecture ?? '') ? architecture! : own
  return isSoftwareAdapter(info) && !/\(software\)$/.test(name) ? `${name} (software)` : name
}

/** @throws where there is no WebGPU, or no adapter behind it */
export async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = await getGpu()
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw noAdapter()
  return adapter
}

const noAdapter = () => new Error('WebGPU gives no adapter: there is no GPU with a Vulkan, Metal or Direct3D 12 driver that it trusts')

/** @throws where the adapter computes on the CPU, or there is none */
export async function requireHardware(): Promise<void> {
  if (!mayHaveVulkan()) throw noAdapter()
  const { info } = await requestAdapter()
  if (isSoftwareAdapter(info)) {
    throw new Error(`its only adapter computes on the CPU (${describeAdapter(info)}); ask for webgpu by name to use it`)
  }
}
