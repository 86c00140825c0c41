import { useBackend } from '@learngene/backends'
import { env, grads, neg, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'
import { poisonFreedMemory } from './poison.js'

/** Starts the webgpu backend; gives why it cannot where it cannot, for the name of the tests that are then skipped. */
export async function startWebGPU(): Promise<string | undefined> {
  try {
    await useBackend('webgpu')
    env().set('WEBGPU_CPU_FORWARD', false)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Value and gradients of every input in a mode. */
export function runMode(mode: OpsMode, f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor): Tensor[] {
  setOps(mode)
  try {
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  } finally {
    setOps('auto')
  }
}

/** Like poisonFreedMemory, on the device: buffers of these sizes are full of NaN when they are next handed out. */
export async function poisonDevice(...shapes: readonly number[][]): Promise<void> {
  poisonFreedMemory(...shapes)
  await neg(scalar(1)).data()
}

/** Fails where |actual - expected| > tolerance max(|expected|, 1) in the Euclidean norm of the whole tensor, or a value is not finite. */
export async function expectCloseData(actual: Tensor, expected: Tensor | ArrayLike<number>, tolerance: number, what: string): Promise<void> {
  const values = await actual.data()
  const wanted = 'dtype' in expected ? await expected.data() : expected
  if ('dtype' in expected) expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  expect(values.length, `${what}: length`).toBe(wanted.length)
  let difference = 0
  let norm = 0
  for (let i = 0; i < values.length; i++) {
    difference += (values[i]! - wanted[i]!) ** 2
    norm += wanted[i]! ** 2
  }
  const relative = Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1)
  expect(Number.isFinite(relative), `${what}: finite values`).toBe(true)
  expect(relative, `${what}: relative error`).toBeLessThanOrEqual(tolerance)
}
