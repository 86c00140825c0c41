import { customGrad, keep, mul, square, type Tensor, zerosLike } from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
import { expect, test } from 'vitest'
import { checkGradients } from './check-gradients.js'
import { describeEachBackend } from './describe-each-backend.js'
import { randomTensors } from './random-tensors.js'

const input = () => randomTensors(1)([2, 3])

describeEachBackend(({ tolerances }) => {
  test('accepts a right gradient', () => checkGradients((x) => square(x!), [input()], tolerances.numericGradient))

  test('refuses a wrong gradient', async () => {
    const wrong = customGrad((x) => ({ value: square(x as Tensor), gradFunc: (dy: Tensor) => [mul(dy, x as Tensor)] }))
    await expect(checkGradients((x) => wrong(x!), [input()], tolerances.numericGradient)).rejects.toThrow('gradient 0: relative error')
  })

  test('refuses a leak', async () => {
    const leaking = (x?: Tensor) => {
      keep(zerosLike(x!))
      return square(x!)
    }
    await expect(checkGradients(leaking, [input()], tolerances.numericGradient)).rejects.toThrow('tensors after the forward pass')
  })
})
