import '../gradients.js'
import { expectClose, startBackend, TOLERANCES } from '@learngene/testing'
import { dispose, engine, grads, neg, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, beforeEach, describe, inject, vi } from 'vitest'
import { type OpsMode, setOps } from '../kernels.js'
import { poisonFreedMemory } from './poison.js'

type Operation = (...inputs: Tensor[]) => Tensor

/** Describes tests of the webgpu backend under Node, which are skipped, with the reason, where it is missing. Frees each test's tensors. */
export function describeWebGPU(title: string, tests: () => void): void {
  const reason = inject('available')?.find(({ name }) => name === 'webgpu')?.reason ?? null
  const skipped = reason !== null && !inject('required').includes('webgpu')
  describe.skipIf(skipped)(skipped ? `${title} on webgpu (which is not here: ${reason})` : `${title} on webgpu`, () => {
    beforeAll(() => startBackend('webgpu'))
    beforeEach(() => engine().startScope())
    afterEach(async () => {
      await settle()
      engine().endScope()
    })
    tests()
  })
}

/** Value and gradients of every input in a mode. */
export function runMode(mode: OpsMode, f: Operation, inputs: Tensor[], dy: Tensor): Tensor[] {
  setOps(mode)
  try {
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  } finally {
    setOps('auto')
  }
}

/** Compares value and gradients in both modes; the own kernels run on poisoned buffers of those sizes and some more. Owns its inputs. */
export async function compareModes(f: Operation, inputs: Tensor[], dy: Tensor, ...others: number[][]): Promise<void> {
  const expected = runMode('reference', f, inputs, dy)
  await poisonDevice(...expected.map(({ shape }) => shape), ...others)
  const actual = runMode('auto', f, inputs, dy)
  for (const [i, tensor] of actual.entries()) {
    await expectClose(tensor, expected[i]!, TOLERANCES.webgpu.kernel, i === 0 ? 'value' : `gradient ${i - 1} of ${tensor.shape}`)
  }
  dispose([expected, actual, inputs, dy])
}

/** Like poisonFreedMemory, on the device: buffers of these sizes are full of NaN when they are next handed out. */
export async function poisonDevice(...shapes: readonly number[][]): Promise<void> {
  poisonFreedMemory(...shapes)
  await settle()
}

/** Waits until the device has done everything and freed buffers are free. */
export async function settle(): Promise<void> {
  const value = tidy(() => neg(scalar(1)))
  await value.data()
  value.dispose()
}

/** Dispatches of what runs. */
export function countDispatches(run: () => unknown): number {
  const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
  try {
    run()
    return spy.mock.calls.length
  } finally {
    spy.mockRestore()
  }
}
