import { useBackend } from '@learngene/backends'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { engine, env } from '@tensorflow/tfjs-core'
import type { StudioBackend } from './messages.js'

export interface StartedBackend {
  readonly name: StudioBackend
  /** One line: why it is this one. */
  readonly why: string
  /** Of the GPU. */
  readonly device: string | null
  /** Settles when the GPU's device is lost; never on wasm. */
  readonly lost: Promise<unknown>
}

const never = new Promise<never>(() => {})

/**
 * Starts the fastest backend that the device has, or the one that is asked for; wasm where WebGPU does not start.
 *
 * @throws where wasm does not start either
 */
export async function startBackend(asked: StudioBackend | 'auto'): Promise<StartedBackend> {
  // The networks are small, and threads would need workers that minified code does not start. The backend registers the flag anew when it loads, and finds it set.
  env().registerFlag('WASM_HAS_MULTITHREAD_SUPPORT', () => false)
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  const wasmPaths = { 'tfjs-backend-wasm.wasm': plain, 'tfjs-backend-wasm-simd.wasm': simd, 'tfjs-backend-wasm-threaded-simd.wasm': simd }
  if (asked === 'webgpu') {
    try {
      return onWebgpu(await useBackend('webgpu').then(() => 'asked for'))
    } catch (error) {
      await useBackend('wasm', { wasmPaths })
      return { name: 'wasm', why: `WebGPU does not start: ${reasonOf(error)}`, device: null, lost: never }
    }
  }
  const { name, tried } = await useBackend(asked, { wasmPaths })
  if (name === 'webgpu') return onWebgpu('the fastest here')
  if (name !== 'wasm') throw new Error(`WebAssembly does not start: ${tried.at(-1)?.reason ?? name}`)
  const webgpu = tried.find((each) => each.name === 'webgpu')
  return {
    name,
    why: webgpu ? webgpu.reason.replace(/^its only adapter/, "WebGPU's only adapter") : 'asked for',
    device: null,
    lost: never,
  }
}

function onWebgpu(why: string): StartedBackend {
  const { device, learngeneDevice } = engine().backend as unknown as { device: GPUDevice; learngeneDevice?: string }
  return { name: 'webgpu', why, device: learngeneDevice ?? null, lost: device.lost }
}

const reasonOf = (error: unknown) => (error as Error).message.replace(/^the backend webgpu cannot be started: /, '')
