import { grad, mul, norm, sum, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { describeBackends } from './testing/backends.js'
import { checkLoss } from './testing/check-loss.js'
import { expectClose } from './testing/expect-close.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'
import { unitTokens } from './unit-tokens.js'

describeBackends(() => {
  it('has the gradient of its values', () => {
    const weights = randomTensors(1)<Tensor>(2, 3, 4)
    checkLoss((x) => tidy(() => sum(mul(unitTokens(x), weights), [1, 2])), [randomTensors(2)(2, 3, 4)])
    weights.dispose()
  })

  it('makes every token one long', () =>
    tidy(() => {
      expectClose(norm(unitTokens(randomTensors(3)<Tensor>(2, 3, 4)), 2, -1), new Float32Array(6).fill(1), TOLERANCES.identity)
    }))

  it('keeps a zero token and its gradient finite', () =>
    tidy(() => {
      const zero = tensor2d([0, 0, 0], [1, 3])
      expect(Array.from(unitTokens(zero).dataSync())).toEqual([0, 0, 0])
      expect(
        grad(unitTokens<Tensor>)(zero)
          .dataSync()
          .every(Number.isFinite),
      ).toBe(true)
    }))
})
