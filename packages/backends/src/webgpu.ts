import { importPackage } from './import-package.js'
import { initialise } from './initialise.js'
import { isNode } from './node-builtin.js'
import type { Starter } from './starter.js'

/** The part of the WebGPU interfaces that is looked at here. */
export interface AdapterInfo {
  readonly vendor?: string
  readonly architecture?: string
  readonly device?: string
  readonly description?: string
  readonly isFallbackAdapter?: boolean
}
type Adapter = { readonly info: AdapterInfo; readonly features: Iterable<string> }
type Gpu = { requestAdapter(): Promise<Adapter | null> }

/** True for adapters that compute on the CPU: SwiftShader, Mesa's llvmpipe, Windows' basic renderer. */
export const isSoftwareAdapter = ({ isFallbackAdapter, vendor, architecture, device, description }: AdapterInfo): boolean =>
  isFallbackAdapter === true ||
  /swiftshader|llvmpipe|lavapipe|software|basic render/i.test([vendor, architecture, device, description].join(' '))

const describe = ({ vendor, architecture, device, description }: AdapterInfo): string =>
  description || [vendor, architecture, device].filter(Boolean).join(' ') || 'unnamed adapter'

async function requestAdapter(): Promise<Adapter> {
  if (isNode()) throw new Error('it is not supported in Node yet; it runs in browsers')
  const gpu = (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu
  if (gpu === undefined)
    throw new Error('navigator.gpu is missing: this engine has no WebGPU, or the page is not served over https or localhost')
  const adapter = await gpu.requestAdapter()
  if (adapter === null) throw new Error('navigator.gpu gives no adapter: there is no GPU that the engine trusts')
  return adapter
}

/** WebGPU, in browsers only so far. */
export const webgpu: Starter = {
  name: 'webgpu',
  engineName: 'webgpu',
  async start() {
    const adapter = await requestAdapter()
    const { version_webgpu } = await importPackage('@tensorflow/tfjs-backend-webgpu', () => import('@tensorflow/tfjs-backend-webgpu'))
    await initialise('webgpu')
    return { version: version_webgpu, device: describe(adapter.info), features: [...adapter.features] }
  },
  async assertAuto() {
    const { info } = await requestAdapter()
    if (isSoftwareAdapter(info))
      throw new Error(`its only adapter computes on the CPU (${describe(info)}); ask for webgpu by name to use it`)
  },
}
