import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grads, type Tensor1D, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { linear } from './linear.js'
import { describeVariants } from './testing/variants.js'

describeVariants(({ tolerances }) => {
  test('has the gradients of its values, and leaks nothing', async () => {
    const random = randomTensors(1)
    const inputs = [random([2, 3, 5]), random([7, 5]), random([7])]
    await checkGradients((x, weight, bias) => linear(x!, weight as Tensor2D, bias as Tensor1D), inputs, tolerances.numericGradient)
  })

  test('computes no gradient of data when told so', async () => {
    const random = randomTensors(1)
    const x = random<Tensor2D>([6, 5])
    const weightAndBias = (weight: unknown, bias: unknown) => linear(x, weight as Tensor2D, bias as Tensor1D, { inputGradient: false })
    await checkGradients(weightAndBias, [random([7, 5]), random([7])], tolerances.numericGradient)
    expect(() => grads((x) => linear(x as Tensor2D, random([7, 5]), random([7]), { inputGradient: false }))([x])).toThrow()
  })

  test('equals loops in double precision', async () => {
    const random = randomTensors(2)
    const [x, weight, bias] = [random<Tensor3D>([2, 4, 19]), random<Tensor2D>([6, 19]), random<Tensor1D>([6])]
    const [xs, weights, biases] = [await valuesOf(x), await valuesOf(weight), await valuesOf(bias)]
    const expected = Array.from({ length: 8 * 6 }, (_, at) => {
      const [row, output] = [Math.floor(at / 6), at % 6]
      let y = biases[output]!
      for (let k = 0; k < 19; k++) y += xs[row * 19 + k]! * weights[output * 19 + k]!
      return y
    })
    const y = linear(x, weight, bias)
    expect(y.shape).toEqual([2, 4, 6])
    await expectClose(y, expected, tolerances.float64)
  })
})

test('refuses widths that do not agree, and names the shapes', () => {
  const random = randomTensors(1)
  expect(() => linear(random([2, 4]), random([3, 5]), random([3]))).toThrow(
    'linear: x [..., K], weight [N, K] and bias [N] must agree in K and N; got x [2, 4], weight [3, 5], bias [3]',
  )
  expect(() => linear(random([2, 5]), random([3, 5]), random([4]))).toThrow('got x [2, 5], weight [3, 5], bias [4]')
})
