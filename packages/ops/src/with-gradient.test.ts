import '@tensorflow/tfjs-backend-cpu'
import { customGrad, grad, setBackend, square, sum, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { gelu } from './gelu.js'
import { layerNormWithSkip } from './layer-norm.js'
import { underTape } from './with-gradient.js'

beforeAll(() => setBackend('cpu'))

const slope = () => grad((x: Tensor) => sum(square(gelu(x))))(tensor1d([1])).dataSync()[0]

test('gradients that are not registered are told before anything is computed, with the import that registers them', async () => {
  expect(() => gelu(tensor1d([1]))).not.toThrow()
  expect(slope).toThrow(/^gradients: those of TensorFlow\.js's own operations must be registered; .* Import '@learngene\/ops\/gradients'/)
  const skip = (x: Tensor) => sum(layerNormWithSkip(x, tensor1d([1, 1]), tensor1d([0, 0])).skip)
  expect(() => grad(skip)(tensor2d([[1, 2]]))).toThrow(/^gradients: those of TensorFlow\.js's own operations must be registered; /)
  const whole = customGrad((x) => ({ value: gelu(x as Tensor), gradFunc: (dy: Tensor) => dy }))
  expect(grad((x: Tensor) => whole(x))(tensor1d([1])).dataSync()[0], 'inside an operation with a gradient of its own none is needed').toBe(
    1,
  )
  await import('./gradients.js')
  expect(slope()).toBeCloseTo(1.8227, 3)
})

test('gradients are wanted while a function runs whose gradients were asked for, and not after it has thrown', () => {
  expect(underTape()).toBe(false)
  const seen: boolean[] = []
  const failing = (x: Tensor): Tensor => {
    seen.push(underTape())
    throw new Error(`no loss of ${x.shape}`)
  }
  expect(() => grad(failing)(tensor1d([1]))).toThrow('no loss of 1')
  expect(seen).toEqual([true])
  expect(underTape()).toBe(false)
})
