import { tensor, tensor1d } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { describeEachBackend } from './describe-each-backend.js'
import { expectClose } from './expect-close.js'

describeEachBackend(() => {
  test('takes the norm of the difference relative to that of the expected values, or to 1 where that is smaller', async () => {
    await expectClose(tensor1d([30, 40.4]), [30, 40], 0.0081)
    await expect(expectClose(tensor1d([30, 40.4]), [30, 40], 0.0079)).rejects.toThrow('relative error')
    await expectClose(tensor1d([0.01]), tensor1d([0]), 0.011)
    await expect(expectClose(tensor1d([0.01]), tensor1d([0]), 0.009)).rejects.toThrow('relative error')
  })

  test('refuses NaN, other lengths and other shapes', async () => {
    await expect(expectClose(tensor1d([Number.NaN]), [1], 1)).rejects.toThrow('finite values')
    await expect(expectClose(tensor1d([1, 2]), [1], 1)).rejects.toThrow('length')
    await expect(expectClose(tensor1d([1, 2]), tensor([[1, 2]]), 1)).rejects.toThrow('shape')
  })
})
