import { describeEachBackend, valuesOf } from '@learngene/testing'
import '@learngene/ops'
import { customGrad, memory, mul, type Scalar, sum, type Tensor, tensor, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { disposeGradients, meanGradients } from './gradients.js'
import { createRegression, range } from './regression.fixture.js'

describeEachBackend(() => {
  test('the mean over parts equals one big batch, and frees all else', async () => {
    const { parameters, loss } = createRegression({ count: 12 })
    const before = memory().numTensors
    const whole = meanGradients(parameters, 1, () => loss())
    const parts = meanGradients(parameters, 3, (part) => loss(range(4 * part, 4 * part + 4)))
    expect((await valuesOf(parts.loss))[0]).toBeCloseTo((await valuesOf(whole.loss))[0]!, 6)
    expect(Object.keys(parts.gradients).sort()).toEqual(['hidden.bias', 'hidden.weight', 'output.weight'])
    for (const [name, gradient] of Object.entries(whole.gradients)) {
      const accumulated = await valuesOf(parts.gradients[name]!)
      for (const [i, value] of (await valuesOf(gradient)).entries()) expect(Math.abs(accumulated[i]! - value)).toBeLessThan(1e-6)
    }
    disposeGradients(whole)
    disposeGradients(parts)
    expect(memory().numTensors).toBe(before)
  })

  test('a parameter that only some parts reach gets the mean with zeros', async () => {
    const parameters = { a: variable(tensor([1])), b: variable(tensor([1])) }
    const { gradients } = meanGradients(parameters, 4, (part) => sum(mul(part === 2 ? parameters.b : parameters.a, 8)) as Scalar)
    expect([(await valuesOf(gradients.a!))[0], (await valuesOf(gradients.b!))[0]]).toEqual([6, 2])
  })

  test('a loss that reaches no parameter has its value and no gradient, and counts as zero beside parts that do', async () => {
    const parameters = { a: variable(tensor([1])) }
    const constant = tensor([3])
    const before = memory().numTensors
    const none = meanGradients(parameters, 1, () => sum(mul(constant, 2)) as Scalar)
    expect([await valuesOf(none.loss), none.gradients]).toEqual([[6], {}])
    const half = meanGradients(parameters, 2, (part) => sum(mul(part === 0 ? constant : parameters.a, 8)) as Scalar)
    expect([await valuesOf(half.loss), await valuesOf(half.gradients.a!)]).toEqual([[16], [4]])
    disposeGradients(none)
    disposeGradients(half)
    expect(memory().numTensors).toBe(before)
  })

  test('a loss that is no scalar is refused, and leaves no tensors', () => {
    const parameters = { a: variable(tensor([1, 2])) }
    const before = memory().numTensors
    expect(() => meanGradients(parameters, 1, () => mul(parameters.a, 2) as unknown as Scalar)).toThrow(
      'train: the loss must be a scalar, the mean over the batch; got a tensor of shape [2]',
    )
    expect(() => meanGradients(parameters, 1, () => undefined as unknown as Scalar)).toThrow('got undefined')
    expect(memory().numTensors).toBe(before)
  })

  test('a custom gradient that gives one tensor to two parameters is accumulated', async () => {
    const parameters = { a: variable(tensor([1, 2])), b: variable(tensor([3, 4])) }
    const sumOfBoth = customGrad((...[a, b]) => ({
      value: sum(mul(a as Tensor, b as Tensor)),
      gradFunc: (dy: Tensor) => {
        const shared = mul(dy, [1, 1])
        return [shared, shared]
      },
    }))
    const { gradients } = meanGradients(parameters, 3, () => sumOfBoth(parameters.a, parameters.b) as Scalar)
    for (const gradient of Object.values(gradients)) {
      for (const value of await valuesOf(gradient)) expect(value).toBeCloseTo(1, 6)
    }
  })

  test('a part that throws leaves no tensors', () => {
    const { parameters, loss } = createRegression()
    const before = memory().numTensors
    const failing = (part: number) => {
      const value = loss(range(part, part + 4))
      if (part === 2) throw new Error('no third part')
      return value
    }
    expect(() => meanGradients(parameters, 4, failing)).toThrow('no third part')
    expect(memory().numTensors).toBe(before)
  })
})
