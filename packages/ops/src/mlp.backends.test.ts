import { checkGradients, expectClose, randomTensors } from '@learngene/testing'
import { add, grads, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { activate } from './activation.js'
import { gelu } from './gelu.js'
import { linear } from './linear.js'
import { mlp } from './mlp.js'
import { describeVariants } from './testing/variants.js'

const run = (...[x, weight1, bias1, weight2, bias2, residual]: Tensor[]) => {
  const parameters = { weight1, bias1, weight2, bias2 } as { weight1: Tensor2D; bias1: Tensor1D; weight2: Tensor2D; bias2: Tensor1D }
  return mlp(x as Tensor3D, parameters, residual ? { residual } : {})
}

const composed = (...[x, weight1, bias1, weight2, bias2, residual]: Tensor[]) =>
  tidy(() => {
    const hidden = gelu(linear(x!, weight1 as Tensor2D, bias1 as Tensor1D))
    const y = linear(hidden, weight2 as Tensor2D, bias2 as Tensor1D)
    return residual ? add(y, residual) : y
  })

function inputsOf(seed: number, residual: boolean): Tensor[] {
  const random = randomTensors(seed)
  const inputs = [random([2, 3, 5]), random([8, 5]), random([8]), random([4, 8]), random([4])]
  return residual ? [...inputs, random([2, 3, 4])] : inputs
}

describeVariants(({ tolerances }) => {
  test.each([false, true])('has the gradients of its values, and leaks nothing; residual: %s', async (residual) => {
    await checkGradients(run, inputsOf(1, residual), tolerances.numericGradient)
  })

  test.each([false, true])('equals linear, gelu, linear and add, gradients included; residual: %s', async (residual) => {
    const inputs = inputsOf(2, residual)
    const dy = randomTensors(3)([2, 3, 4])
    const expected = [composed(...inputs), ...grads(composed)(inputs, dy)]
    for (const [i, tensor] of [run(...inputs), ...grads(run)(inputs, dy)].entries()) {
      await expectClose(tensor, expected[i]!, tolerances.kernel, i === 0 ? 'value' : `gradient ${i - 1}`)
    }
  })
})

describeVariants(({ tolerances }) => {
  test.each(['geluTanh', 'quickGelu'] as const)(
    'with %s it equals its parts, gradients included, and leaks nothing',
    async (activation) => {
      const withActivation = (...[x, weight1, bias1, weight2, bias2, residual]: Tensor[]) => {
        const parameters = { weight1, bias1, weight2, bias2 } as { weight1: Tensor2D; bias1: Tensor1D; weight2: Tensor2D; bias2: Tensor1D }
        return mlp(x as Tensor3D, parameters, { activation, ...(residual && { residual }) })
      }
      const parts = (...[x, weight1, bias1, weight2, bias2, residual]: Tensor[]) =>
        tidy(() => {
          const hidden = activate(linear(x!, weight1 as Tensor2D, bias1 as Tensor1D), activation)
          return add(linear(hidden, weight2 as Tensor2D, bias2 as Tensor1D), residual!)
        })
      await checkGradients(withActivation, inputsOf(1, false), tolerances.numericGradient)
      const inputs = inputsOf(2, true)
      const dy = randomTensors(3)([2, 3, 4])
      const expected = [parts(...inputs), ...grads(parts)(inputs, dy)]
      for (const [i, tensor] of [withActivation(...inputs), ...grads(withActivation)(inputs, dy)].entries()) {
        await expectClose(tensor, expected[i]!, tolerances.kernel, i === 0 ? 'value' : `gradient ${i - 1}`)
      }
    },
  )
})

test('refuses widths that do not agree, and names the shapes', () => {
  const random = randomTensors(1)
  expect(() => run(random([2, 5]), random([8, 5]), random([8]), random([4, 7]), random([4]))).toThrow(
    'mlp: x [..., D], weight1 [K, D], bias1 [K], weight2 [N, K] and bias2 [N] must agree in D, K and N; ' +
      'got x [2, 5], weight1 [8, 5], bias1 [8], weight2 [4, 7], bias2 [4]',
  )
  expect(() => run(random([2, 5]), random([8, 5]), random([8]), random([4, 8]), random([4]), random([2, 5]))).toThrow(
    "mlp: the residual must have the result's shape [2, 4]; got residual [2, 5]",
  )
})
