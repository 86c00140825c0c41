import { existsSync } from 'node:fs'
import { engine } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from './backend.js'

const ICD = '/usr/lib/chromium/vk_swiftshader_icd.json'

/** Starts the webgpu backend under Node, on a software adapter where Debian's chromium brings one. Undefined where there is none. */
export async function startWebGPU(): Promise<WebGPUBackend | undefined> {
  if (existsSync(ICD)) process.env.VK_ICD_FILENAMES ??= ICD
  process.env.XDG_RUNTIME_DIR ??= '/tmp'
  const { useBackend } = await import('@learngene/backends')
  try {
    await useBackend('webgpu')
  } catch {
    return undefined
  }
  return engine().backend as WebGPUBackend
}
