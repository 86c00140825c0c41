import { describeEachBackend, expectClose } from '@learngene/testing'
import { grad, mul, type Tensor, tensor1d } from '@tensorflow/tfjs-core'
import { it } from 'vitest'
import { frozen } from './frozen.js'

describeEachBackend(() => {
  it('keeps the values of a frozen tensor and treats them as constants', async () => {
    const x = tensor1d([2, 3])
    await expectClose(frozen(x), [2, 3], 0)
    await expectClose(grad((x: Tensor) => mul(x, frozen(x)))(x), [2, 3], 0)
  })
})
