import { grad, mul, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core'
import { it } from 'vitest'
import { frozen } from './frozen.js'
import { describeBackends } from './testing/backends.js'
import { expectClose } from './testing/expect-close.js'

describeBackends(() => {
  it('keeps the values of a frozen tensor and treats them as constants', () =>
    tidy(() => {
      const x = tensor1d([2, 3])
      expectClose(frozen(x), [2, 3], 0)
      expectClose(grad((x: Tensor) => mul(x, frozen(x)))(x), [2, 3], 0)
    }))
})
