import '../gradients.js'
import '../webgpu.js'
import { expectClose, randomTensors, TOLERANCES } from '@learngene/testing'
import {
  abs,
  dispose,
  engine,
  grads,
  neg,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { attention } from '../attention.js'
import { crossEntropy, softenedCrossEntropy } from '../cross-entropy.js'
import { gelu } from '../gelu.js'
import { setOps } from '../kernels.js'
import { layerNorm, layerNormWithSkip } from '../layer-norm.js'
import { linear } from '../linear.js'
import { meanSquaredError } from '../mean-squared-error.js'
import { startLeastDevice } from '../testing/least-device.js'

/** As a device of 64 KiB a binding would have it: tensors are small, and the dispatches those of 128 MiB. */
const BOUND = 2 ** 16

const started = await startLeastDevice({ maxStorageBufferBindingSize: BOUND })

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

/** Of a function of tensors that are too large value and gradients, which are those of the reference form, and what its dispatches bind. */
async function expectSplit(f: (...tensors: Tensor[]) => Tensor, tensors: Tensor[], dy: Tensor): Promise<void> {
  const train = () => tidy(() => [f(...tensors), ...grads(f)(tensors, dy)])
  setOps('reference')
  const expected = train()
  setOps('auto')
  let actual: Tensor[] = []
  const bound = bindings(() => {
    actual = train()
  })
  for (const [i, tensor] of actual.entries()) await expectClose(tensor, expected[i]!, TOLERANCES.webgpu.kernel, `tensor ${i}`)
  expect(Math.max(...[...tensors, dy].map(({ size }) => 4 * size))).toBeGreaterThan(BOUND)
  expect(Math.max(...bound)).toBeLessThanOrEqual(BOUND)
  dispose([expected, actual])
}

describe.skipIf(!started)(`tensors that are larger than what the device binds at once${started ? '' : ' (there is no adapter)'}`, () => {
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
    await expectSplit(f, tensors, dy)
  })

  test('GELU and its gradient, of values in any shape, are split and equal the reference form', async () => {
    const random = randomTensors(6)
    await expectSplit((x) => gelu(x), [random([5, 1003, 7])], random([5, 1003, 7], 0.2))
  })

  test.each([
    ['wide rows', 1003, 36],
    ['narrow odd rows', 3001, 7],
  ])('layer norm and its gradients, of %s, are split and equal the reference form', async (_, rows, width) => {
    const random = randomTensors(2)
    const tensors = [random([rows, width]), random([width]), random([width])]
    const dy = random([rows, width], 0.2)
    const f = (...[x, gamma, beta]: Tensor[]) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
    await expectSplit(f, tensors, dy)
    const weight = random<Tensor2D>([width, width], 0.2)
    const bias = random<Tensor1D>([width])
    const withSkip = (...[x, gamma, beta]: Tensor[]) => {
      const { normalised, skip } = layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
      return linear(normalised, weight, bias, { residual: skip })
    }
    await expectSplit(withSkip, tensors, dy)
  })

  test.each([
    ['even heads', 70, 6, 2, 8],
    ['images that no buffer is bound from', 90, 7, 3, 4],
  ])(
    'attention and its gradients, of %s, are split by images and equal the reference form',
    async (_, images, tokens, heads, headWidth) => {
      const random = randomTensors(3)
      const width = heads * headWidth
      const f = (qkv: Tensor) => attention(qkv as Tensor3D, heads)
      await expectSplit(f, [random([images, tokens, 3 * width])], random([images, tokens, width], 0.2))
    },
  )

  test.each([
    ['short examples', [1000, 20]],
    ['examples of whole 256 bytes, some parts each', [7, 2, 4160]],
    ['odd examples', [190, 3, 71]],
  ])('the mean squared error and its gradients, of %s, are split and equal the reference form', async (_, shape) => {
    const random = randomTensors(7)
    const target = random(shape)
    await expectSplit((x) => meanSquaredError(x, target), [random(shape)], random([shape[0]!]))
  })

  test.each([
    ['even classes', 130, 200],
    ['odd classes', 190, 101],
  ])('cross entropies and their gradients, of %s, are split and equal the reference form', async (_, rows, classes) => {
    const random = randomTensors(8)
    const [logits, dy] = [random([rows, classes], 4), random([rows])]
    const teacher = random<Tensor2D>([rows, classes])
    const probabilities = abs(teacher) as Tensor2D
    await expectSplit((z) => crossEntropy(z as Tensor2D, probabilities), [logits], dy)
    await expectSplit((z) => softenedCrossEntropy(z as Tensor2D, teacher, { temperature: 2, lessEntropy: true }), [logits], dy)
  })

  test('what cannot be split is an error of one line that says how much fits', () => {
    const random = randomTensors(4)
    // 256 bytes, which a buffer may be bound from, begin every 64 rows.
    expect(() => meanSquaredError(random([100, 301]), random([100, 301]))).toThrow(
      'a tensor of shape [100, 301] takes 120400 bytes, and this GPU takes 65536 at once: 54 of its first 100 fit; take a smaller batch',
    )
    const [wide, ones] = [random([2, 20_000]), random<Tensor1D>([20_000])]
    expect(() => layerNorm(wide, ones, ones)).toThrow(
      'a tensor of shape [2, 20000] takes 160000 bytes, and this GPU takes 65536 at once: 0 of its first 2 fit; only a GPU with a larger limit can compute with them',
    )
  })
})
