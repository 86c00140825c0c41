import { importPackage, TFJS_VERSION } from '../import-package.js'
import { isNode } from '../node-builtin.js'

/** npm's build of Dawn, Chromium's WebGPU, for Node. */
const PACKAGE = 'webgpu'
export const DAWN_VERSION = '0.6.2'

/** What WebGPU under Node takes, and in which versions. */
export const WEBGPU_PACKAGES: { readonly [name: string]: string } = {
  [PACKAGE]: DAWN_VERSION,
  '@tensorflow/tfjs-backend-webgpu': TFJS_VERSION,
}

/**
 * What lets Dawn give f16 and subgroup matrices on NVIDIA cards, and timestamps that are not rounded to 0.07 ms. Workgroup memory is not zeroed, which our programs and those of TensorFlow.js
 * do not need: they write what they read. A software adapter compiles a product many times as fast without that.
 */
const TOGGLES = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,use_vulkan_memory_model,disable_workgroup_init',
  'disable-dawn-features=timestamp_quantization',
]

/** Kept for the life of the process: Dawn crashes when it is collected while a device of it is in use. */
let dawn: GPU | undefined

/** The engine's own WebGPU; under Node that of the package `webgpu`. */
export async function getGpu(): Promise<GPU> {
  if (!isNode()) {
    const { gpu } = globalThis.navigator ?? {}
    if (gpu === undefined) {
      throw new Error('navigator.gpu is missing: this engine has no WebGPU, or the page is not served over https or localhost')
    }
    return gpu
  }
  if (dawn) return dawn
  // Not a literal, so that bundlers do not follow it.
  const { create, globals } = await importPackage<{ create(options: string[]): GPU; globals: object }>(
    PACKAGE,
    () => import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGE),
    DAWN_VERSION,
  )
  for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value
  dawn = create(TOGGLES)
  return dawn
}
