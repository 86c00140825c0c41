import '../gradients.js'
import { expectClose, startBackend, TOLERANCES, type Tolerances, valuesOf } from '@learngene/testing'
import { dispose, engine, fill, grads, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'

const missing = await startBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

/** Describes tests of the webgpu kernels; where there is no such backend they are skipped, with the reason in the title. */
export function describeWebGPU(tests: (tolerances: Tolerances) => void): void {
  describe.skipIf(missing)(missing ? `on webgpu (which is not here: ${missing})` : 'on webgpu', () => {
    beforeAll(() => startBackend('webgpu'))
    beforeEach(() => engine().startScope())
    afterEach(() => {
      setOps('auto')
      engine().endScope()
    })
    tests(TOLERANCES.webgpu)
  })
}

/** Fills buffers with NaN and frees them, so that an output that is not written in full, or read before, shows. */
export async function poisonBuffers(shapes: readonly number[][]): Promise<void> {
  const poison = shapes.flatMap((shape) => Array.from({ length: 3 }, () => fill(shape, Number.NaN)))
  await Promise.all(poison.map(valuesOf))
  dispose(poison)
}

/** Value and gradients of every input in both modes; the own kernels run on poisoned memory. Owns its inputs. */
export async function compareModes(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor): Promise<void> {
  const run = (mode: OpsMode) => {
    setOps(mode)
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  }
  const expected = run('reference')
  await poisonBuffers(expected.map(({ shape }) => shape))
  const actual = run('auto')
  for (const [i, tensor] of actual.entries()) {
    const what = i === 0 ? 'value' : `gradient ${i - 1} of shape [${tensor.shape}]`
    await expectClose(tensor, expected[i]!, TOLERANCES.webgpu.kernel, what)
  }
  dispose([expected, actual, inputs, dy])
}
