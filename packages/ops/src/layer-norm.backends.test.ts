import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grads, onesLike, type Tensor, type Tensor1D, type Tensor3D, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { layerNorm } from './layer-norm.js'
import { layerNormRow } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

describeVariants(({ tolerances }) => {
  test('has the gradients of its values, and leaks nothing', async () => {
    const random = randomTensors(1)
    const operation = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
    await checkGradients(operation, [random([2, 3, 7]), random([7]), random([7])], tolerances.numericGradient)
  })

  test('equals loops in double precision, with any epsilon', async () => {
    const random = randomTensors(2)
    const [x, gamma, beta] = [random<Tensor3D>([2, 3, 22], 3), random<Tensor1D>([22]), random<Tensor1D>([22])]
    const [xs, gammas, betas] = [await valuesOf(x), await valuesOf(gamma), await valuesOf(beta)]
    for (const epsilon of [undefined, 0.5]) {
      const rows = Array.from({ length: 6 }, (_, row) => layerNormRow(xs.slice(row * 22, (row + 1) * 22), gammas, betas, epsilon ?? 1e-6))
      await expectClose(layerNorm(x, gamma, beta, epsilon), rows.flat(), tolerances.float64)
    }
  })

  test('gives beta for a constant row, and a finite gradient', async () => {
    const [gamma, beta] = [randomTensors(3)<Tensor1D>([5]), randomTensors(4)<Tensor1D>([5])]
    const x = tensor2d([[3, 3, 3, 3, 3]])
    const y = layerNorm(x, gamma, beta)
    await expectClose(y, await valuesOf(beta), 1e-7)
    const [dx] = grads((x) => layerNorm(x!, gamma, beta))([x], onesLike(y))
    expect((await valuesOf(dx!)).every(Number.isFinite)).toBe(true)
  })
})

test('refuses widths that do not agree, and names the shapes', () => {
  expect(() => layerNorm(zeros([2, 4]), zeros([4]), zeros([5]))).toThrow(
    'layerNorm: x [..., D], gamma [D] and beta [D] must agree in D; got x [2, 4], gamma [4], beta [5]',
  )
})
