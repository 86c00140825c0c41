import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import {
  add,
  dispose,
  grads,
  mul,
  onesLike,
  square,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  tensor2d,
  tidy,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { layerNorm, layerNormWithSkip } from './layer-norm.js'
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

  const inputs = (seed: number): Tensor[] => {
    const random = randomTensors(seed)
    return [random([2, 3, 7]), random([7]), random([7])]
  }
  const withSkip = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
  type Operation = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => Tensor
  /** Something of both values that has another gradient for each of their elements. */
  const residual: Operation = (...given) =>
    tidy(() => {
      const { skip, normalised } = withSkip(...given)
      return add(mul(skip, 3), square(normalised))
    })
  const plain: Operation = (x, gamma, beta) => tidy(() => add(mul(x!, 3), square(layerNorm(x!, gamma as Tensor1D, beta as Tensor1D))))

  test('with a skip connection has the gradients of its values, and leaks nothing', async () => {
    await checkGradients(residual, inputs(5), tolerances.numericGradient)
  })

  test('with a skip connection gives what x and layerNorm give apart, values and gradients', async () => {
    const given = inputs(6)
    const dy = randomTensors(7)([2, 3, 7])
    const run = (f: Operation) => tidy(() => [f(...given), ...grads(f)(given, dy)])
    const [actual, expected] = [run(residual), run(plain)]
    for (const [i, tensor] of actual.entries()) await expectClose(tensor, expected[i]!, tolerances.identity, `tensor ${i}`)
    dispose([given, dy, actual, expected])
  })

  test('with a skip connection of which one end is not used, has the gradients of the other alone', async () => {
    const given = inputs(8)
    const dy = randomTensors(9)([2, 3, 7])
    const gradients = (f: Operation) => tidy(() => grads(f)(given, dy))
    const none = tidy(() => given.slice(1).map((parameter) => zerosLike(parameter)))
    const cases = [
      [gradients((...given) => withSkip(...given).skip), [dy, ...none]],
      [gradients((...given) => withSkip(...given).normalised), gradients((x, ...rest) => layerNorm(x!, ...(rest as [Tensor1D, Tensor1D])))],
    ] as const
    for (const [actual, expected] of cases) {
      for (const [i, tensor] of actual.entries()) await expectClose(tensor, expected[i]!, tolerances.identity, `gradient ${i}`)
    }
    dispose([given, dy, none, ...cases.flat(2)])
  })
})

test('refuses widths that do not agree, and names the shapes', () => {
  expect(() => layerNorm(zeros([2, 4]), zeros([4]), zeros([5]))).toThrow(
    'layerNorm: x [..., D], gamma [D] and beta [D] must agree in D; got x [2, 4], gamma [4], beta [5]',
  )
  expect(() => layerNormWithSkip(zeros([2, 4]), zeros([3]), zeros([4]))).toThrow(
    'layerNormWithSkip: x [..., D], gamma [D] and beta [D] must agree in D; got x [2, 4], gamma [3], beta [4]',
  )
})
