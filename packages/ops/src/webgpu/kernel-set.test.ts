import { expectClose, randomTensors } from '@learngene/testing'
import { cast, concat, type Tensor1D, type Tensor2D, tensor1d, tensor2d, variable, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from '../adamw.js'
import { layerNorm } from '../layer-norm.js'
import { meanSquaredError } from '../mean-squared-error.js'
import { describeWebGPU } from '../testing/compare-modes.js'

describeWebGPU((tolerances) => {
  test('whole numbers called float32 by a cast are read as the numbers they are', async () => {
    const whole = cast(concat([tensor2d([[1, -2, 300]], [1, 3], 'int32'), tensor2d([[4, 5, -6]], [1, 3], 'int32')]), 'float32') as Tensor2D
    const floats = tensor2d([
      [1, -2, 300],
      [4, 5, -6],
    ])
    await expectClose(meanSquaredError(whole, floats), [0, 0], 0)
    const parameters = [randomTensors(1)<Tensor1D>([3]), randomTensors(2)<Tensor1D>([3])] as const
    await expectClose(layerNorm(whole, ...parameters), layerNorm(floats, ...parameters), tolerances.identity)
  })

  test('so are those of a parameter that is updated', async () => {
    const parameter = variable(cast(tensor1d([3, -4], 'int32'), 'float32'))
    const [m, v] = [variable(zeros([2])), variable(zeros([2]))]
    const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    adamW(
      [{ parameter, gradient: tensor1d([1, -1]), m, v, row: 0 }],
      tensor2d([
        [0.5, 1, 10, 1000],
        [1, 0, 0, 0],
      ]),
      constants,
    )
    await expectClose(parameter, [2.5, -3.5], tolerances.adamW)
    for (const each of [parameter, m, v]) each.dispose()
  })

  test('other types are refused', () => {
    const whole = tensor2d([[1, 2]], [1, 2], 'int32')
    expect(() => meanSquaredError(whole, whole)).toThrow('the webgpu kernels take float32 tensors, got int32')
  })
})
