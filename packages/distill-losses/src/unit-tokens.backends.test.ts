import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { grad, mul, norm, sum, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { checkLoss } from './testing/check-loss.js'
import { unitTokens } from './unit-tokens.js'

describeEachBackend(({ tolerances }) => {
  it('has the gradient of its values', async () => {
    const weights = uniformTensors(1)<Tensor>([2, 3, 4])
    await checkLoss((x) => tidy(() => sum(mul(unitTokens(x), weights), [1, 2])), [uniformTensors(2)([2, 3, 4])], tolerances.numericGradient)
    weights.dispose()
  })

  it('makes every token one long', async () => {
    await expectClose(norm(unitTokens(uniformTensors(3)<Tensor>([2, 3, 4])), 2, -1), new Float32Array(6).fill(1), tolerances.identity)
  })

  it('keeps a zero token and its gradient finite', async () => {
    const zero = tensor2d([0, 0, 0], [1, 3])
    expect(await valuesOf(unitTokens(zero))).toEqual([0, 0, 0])
    expect((await valuesOf(grad(unitTokens<Tensor>)(zero))).every(Number.isFinite)).toBe(true)
  })
})
