import '../gradients.js'
import { useBackend } from '@learngene/backends'
import { dispose, fill, grads, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'
import { TOLERANCES } from './tolerances.js'

/** Starts the webgpu backend; gives why it cannot where it cannot, for the name of the tests that are then skipped. */
export async function startWebGPU(): Promise<string | undefined> {
  try {
    await useBackend('webgpu')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Fails where |actual - expected| > tolerance max(|expected|, 1) in the Euclidean norm of the whole tensor, or a value is not finite. */
export async function expectNear(actual: Tensor, expected: Tensor | ArrayLike<number>, tolerance: number, what: string): Promise<void> {
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

/** Fills buffers with NaN and frees them, so that an output that is not written in full, or read before, shows. */
export async function poisonBuffers(shapes: readonly number[][]): Promise<void> {
  const poison = shapes.flatMap((shape) => Array.from({ length: 3 }, () => fill(shape, Number.NaN)))
  await Promise.all(poison.map((tensor) => tensor.data()))
  dispose(poison)
}

/** Value and gradients of every input in both modes; the own kernels run on poisoned memory. Owns its inputs. */
export async function compareModes(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  dy: Tensor,
  tolerance: number = TOLERANCES.kernel,
): Promise<void> {
  const run = (mode: OpsMode) => {
    setOps(mode)
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  }
  const expected = run('reference')
  await poisonBuffers(expected.map(({ shape }) => shape))
  const actual = run('auto')
  for (const [i, tensor] of actual.entries()) {
    await expectNear(tensor, expected[i]!, tolerance, i === 0 ? 'value' : `gradient ${i - 1} of shape [${tensor.shape}]`)
  }
  dispose([expected, actual, inputs, dy])
}
