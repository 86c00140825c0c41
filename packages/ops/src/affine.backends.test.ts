import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grads, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { gelu } from './gelu.js'
import { type LinearOptions, linear } from './linear.js'
import { describeVariants } from './testing/variants.js'

const withOptions = (options: LinearOptions) => (x?: Tensor, weight?: Tensor, bias?: Tensor, residual?: Tensor) =>
  linear(x as Tensor3D, weight as Tensor2D, bias as Tensor1D, { ...options, ...(residual && { residual }) })

describeVariants(({ tolerances }) => {
  test.each<[string, LinearOptions, boolean]>([
    ['a residual', {}, true],
    ['GELU', { activation: 'gelu' }, false],
    ['GELU, then a residual', { activation: 'gelu' }, true],
  ])('with %s it has the gradients of its values, and leaks nothing', async (_, options, residual) => {
    const random = randomTensors(1)
    const inputs = [random([2, 3, 5]), random([7, 5]), random([7]), ...(residual ? [random([2, 3, 7])] : [])]
    await checkGradients(withOptions(options), inputs, tolerances.numericGradient)
  })

  test('adds the residual after the activation', async () => {
    const random = randomTensors(2)
    const [x, weight, bias, residual] = [random([4, 5]), random([7, 5]), random([7]), random([4, 7])]
    const plain = await valuesOf(gelu(withOptions({})(x, weight, bias)))
    const expected = (await valuesOf(residual)).map((value, i) => value + plain[i]!)
    await expectClose(withOptions({ activation: 'gelu' })(x, weight, bias, residual), expected, tolerances.kernel)
  })

  test('a residual may be the input itself: its gradients add up', async () => {
    const random = randomTensors(3)
    await checkGradients(
      (x, weight, bias) => withOptions({})(x, weight, bias, x),
      [random([3, 5]), random([5, 5]), random([5])],
      tolerances.numericGradient,
    )
  })

  test('the frozen part of a bias gets a gradient of exactly zero, everything else its own', async () => {
    const random = randomTensors(4)
    const inputs = [random([8, 5]), random([6, 5]), random([6])]
    const dy = random([8, 6])
    const free = grads(withOptions({}))(inputs, dy)
    const frozen = grads(withOptions({ frozenBias: { begin: 2, end: 4 } }))(inputs, dy)
    const all = (gradients: Tensor[]) => Promise.all(gradients.map(valuesOf))
    const [dx, dWeight, dBias] = await all(free)
    expect(dBias![2]).not.toBe(0)
    expect(await all(frozen)).toEqual([dx, dWeight, dBias!.map((gradient, i) => (i === 2 || i === 3 ? 0 : gradient))])
  })
})

test('refuses a residual of another shape and a frozen range outside of the bias', () => {
  const random = randomTensors(1)
  const run = (options: LinearOptions) => linear(random<Tensor2D>([2, 4]), random([3, 4]), random([3]), options)
  expect(() => run({ residual: random([2, 4]) })).toThrow("linear: the residual must have the result's shape [2, 3]; got residual [2, 4]")
  for (const [begin, end] of [
    [-1, 2],
    [2, 1],
    [0, 4],
    [0.5, 1],
  ] as const) {
    expect(() => run({ frozenBias: { begin, end } })).toThrow(
      `linear: frozenBias must be whole numbers 0 <= begin <= end <= N = 3; got begin ${begin}, end ${end}`,
    )
  }
})
