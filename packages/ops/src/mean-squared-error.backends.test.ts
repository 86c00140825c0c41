import { checkGradients, expectClose, randomTensors } from '@learngene/testing'
import { scalar, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { meanSquaredError } from './mean-squared-error.js'
import { describeVariants } from './testing/variants.js'

describeVariants(({ tolerances }) => {
  test('is the mean over all but the first dimension', async () => {
    const x = tensor2d([
      [1, 2, 3],
      [0, 0, 1],
    ])
    const target = tensor2d([
      [1, 0, 4],
      [0, 0, 1],
    ])
    await expectClose(meanSquaredError(x, target), [5 / 3, 0], tolerances.float64)
  })

  test.each([[[3, 4]], [[2, 3, 5]], [[2, 2, 3, 2]], [[3]]])('has the gradients of its values for %j, and leaks nothing', async (shape) => {
    const random = randomTensors(1)
    const target = random(shape)
    await checkGradients((x) => meanSquaredError(x!, target), [random(shape)], tolerances.numericGradient)
    target.dispose()
    const both = [random(shape), random(shape)]
    await checkGradients((x, y) => meanSquaredError(x!, y!, { targetGradient: true }), both, tolerances.numericGradient)
  })
})

test('refuses shapes that differ', () => {
  const message = 'meanSquaredError: x and target must have one shape [B, ...]; got '
  expect(() => meanSquaredError(zeros([2, 3]), zeros([2, 4]))).toThrow(`${message}x [2, 3], target [2, 4]`)
  expect(() => meanSquaredError(scalar(1), scalar(1))).toThrow(`${message}x [], target []`)
})
