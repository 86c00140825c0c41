import '../../gradients.js'
import '../../webgpu.js'
import { expectClose, randomTensors, TOLERANCES } from '@learngene/testing'
import { dispose, engine, grads, neg, scalar, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { setOps } from '../../kernels.js'
import { layerNorm } from '../../layer-norm.js'
import { linear } from '../../linear.js'
import { startLeastDevice } from '../../testing/least-device.js'

/** As a device of 64 KiB a binding would have it: tensors are small, and the dispatches those of 128 MiB. */
const BOUND = 2 ** 16

const started = await startLeastDevice('software', { maxStorageBufferBindingSize: BOUND })

/** The bytes of each storage binding of what runs. */
function bindings(run: () => void): number[] {
  const { device } = started!.backend
  const spy = vi.spyOn(device, 'createBindGroup')
  try {
    run()
    return spy.mock.calls.flatMap(([{ entries }]) =>
      [...entries].flatMap(({ resource }) => {
        const { buffer, size = buffer.size } = resource as GPUBufferBinding
        return buffer.usage & GPUBufferUsage.UNIFORM ? [] : [size]
      }),
    )
  } finally {
    spy.mockRestore()
  }
}

describe.skipIf(!started)('tensors that are larger than what the device binds at once', () => {
  beforeEach(() => engine().startScope())
  afterEach(async () => {
    setOps('auto')
    await neg(scalar(0)).data()
    engine().endScope()
    expect(started!.errors.splice(0)).toEqual([])
  })
  afterAll(() => started?.backend.device.destroy())

  test.each([
    ['wide input and result', 1003, 36, 52],
    ['odd widths', 777, 45, 31],
    ['a wide result alone', 1003, 9, 84],
  ])('linear and its gradients, of %s, are split and equal the reference form', async (_, rows, inputs, outputs) => {
    const random = randomTensors(1)
    const tensors = [random([rows, inputs], 0.2), random([outputs, inputs], 0.2), random([outputs]), random([rows, outputs])]
    const dy = random([rows, outputs], 0.2)
    const f = (...[x, weight, bias, residual]: Tensor[]) =>
      linear(x!, weight as Tensor2D, bias as Tensor1D, { activation: 'gelu', residual: residual! })
    const train = () => tidy(() => [f(...tensors), ...grads(f)(tensors, dy)])
    setOps('reference')
    const expected = train()
    setOps('auto')
    const actual = train()
    for (const [i, tensor] of actual.entries()) await expectClose(tensor, expected[i]!, TOLERANCES.webgpu.kernel, `tensor ${i}`)
    const forward = bindings(() => tidy(() => void f(...tensors)))
    expect(4 * rows * outputs).toBeGreaterThan(BOUND)
    expect(Math.max(...forward)).toBeLessThanOrEqual(BOUND)
    dispose([expected, actual])
  })

  test('what cannot be split is an error of one line that says how much fits', () => {
    const random = randomTensors(2)
    expect(() => layerNorm(random([1000, 20]), random<Tensor1D>([20]), random<Tensor1D>([20]))).toThrow(
      'a tensor of shape [1000, 20] takes 80000 bytes, and this GPU takes 65536 at once: 819 of its first 1000 fit; take a smaller batch',
    )
  })
})
