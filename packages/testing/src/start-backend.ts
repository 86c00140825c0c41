import { type BackendDescription, describeBackends, useBackend } from '@learngene/backends'
import { env } from '@tensorflow/tfjs-core'
import type { Availability, TestBackend } from './backends.js'

/** In a page: where the development server has the wasm binaries. */
const options = typeof window === 'undefined' ? {} : { wasmPaths: '/node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/' }

/** Of the kernels that tfjs's webgpu backend has for matMul: the one that it takes for the sizes of real models. */
const TILED_MATMUL = 3

/**
 * Makes a backend the current one. On webgpu small operations then run on the device too, not on the host, and small products by the kernel of
 * larger ones: the kernel meant for them takes a software adapter 0.03 to 1 s each.
 */
export async function startBackend(name: TestBackend): Promise<void> {
  await useBackend(name, options)
  if (name === 'webgpu') {
    env().set('WEBGPU_CPU_FORWARD', false)
    env().set('WEBGPU_MATMUL_PROGRAM_TYPE', TILED_MATMUL)
  }
}

/** Tries to start each of some backends. */
export async function findAvailable(names: readonly TestBackend[]): Promise<Availability[]> {
  const all = await describeBackends(options)
  return names.map((name) => ({ name, reason: reasonOf(all, name) }))
}

const reasonOf = (all: readonly BackendDescription[], name: TestBackend) => all.find((each) => each.name === name)!.reason
