import { grads, onesLike, type Tensor, type Tensor1D, type Tensor3D, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { layerNorm } from './layer-norm.js'
import { checkOperation } from './testing/check-operation.js'
import { expectClose } from './testing/expect-close.js'
import { layerNormRow } from './testing/float64.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'
import { describeVariants } from './testing/variants.js'

describeVariants(() => {
  test('has the gradients of its values, and leaks nothing', () => {
    const random = randomTensors(1)
    const operation = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
    checkOperation(operation, [random([2, 3, 7]), random([7]), random([7])])
  })

  test('equals loops in double precision, with any epsilon', () => {
    const random = randomTensors(2)
    const [x, gamma, beta] = [random<Tensor3D>([2, 3, 22], 3), random<Tensor1D>([22]), random<Tensor1D>([22])]
    const [xs, gammas, betas] = [x.dataSync(), gamma.dataSync(), beta.dataSync()]
    for (const epsilon of [undefined, 0.5]) {
      const rows = Array.from({ length: 6 }, (_, row) => layerNormRow(xs.slice(row * 22, (row + 1) * 22), gammas, betas, epsilon ?? 1e-6))
      expectClose(layerNorm(x, gamma, beta, epsilon), rows.flat(), TOLERANCES.float64)
    }
  })

  test('gives beta for a constant row, and a finite gradient', () => {
    const [gamma, beta] = [randomTensors(3)<Tensor1D>([5]), randomTensors(4)<Tensor1D>([5])]
    const x = tensor2d([[3, 3, 3, 3, 3]])
    const y = layerNorm(x, gamma, beta)
    expectClose(y, beta.dataSync(), 1e-7)
    const [dx] = grads((x) => layerNorm(x!, gamma, beta))([x], onesLike(y))
    expect(dx!.dataSync().every(Number.isFinite)).toBe(true)
  })
})

test('refuses widths that do not agree, and names the shapes', () => {
  expect(() => layerNorm(zeros([2, 4]), zeros([4]), zeros([5]))).toThrow(
    'layerNorm: x [..., D], gamma [D] and beta [D] must agree in D; got x [2, 4], gamma [4], beta [5]',
  )
})
