import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grad, sum as sumOf, type Tensor, type Tensor2D, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { crossEntropy } from './cross-entropy.js'
import { softmaxRow, sum } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

/** A row that sums to 1, one that does not, and one-hot. */
const TARGETS = [
  [0.1, 0.2, 0.3, 0.4],
  [2, 0, 1, 0.5],
  [0, 0, 1, 0],
]

describeVariants(({ tolerances }) => {
  test('has the gradient of its values, and leaks nothing', async () => {
    const targets = tensor2d(TARGETS)
    await checkGradients((logits) => crossEntropy(logits as Tensor2D, targets), [randomTensors(1)([3, 4], 2)], tolerances.numericGradient)
    targets.dispose()
  })

  test('equals loops in double precision', async () => {
    const logits = randomTensors(2)<Tensor2D>([3, 4], 5)
    const expected = (await logits.array()).map((row, i) => {
      const probabilities = softmaxRow(row)
      return -sum(TARGETS[i]!.map((target, c) => target * Math.log(probabilities[c]!)))
    })
    const losses = crossEntropy(logits, tensor2d(TARGETS))
    expect(losses.shape).toEqual([3])
    await expectClose(losses, expected, tolerances.float64)
  })

  test('stays finite where a probability underflows', async () => {
    const losses = crossEntropy(tensor2d([[1000, -1000]]), tensor2d([[0, 1]]))
    expect(await valuesOf(losses)).toEqual([2000])
  })

  test('a class that logits and targets rule out counts nothing, one that only the logits rule out without end', async () => {
    const no = Number.NEGATIVE_INFINITY
    const logits = tensor2d([
      [1, no, 1],
      [no, 0, 0],
    ])
    const targets = tensor2d([
      [0.5, 0, 0.5],
      [1, 0, 0],
    ])
    const [ruledOut, missed] = await valuesOf(crossEntropy(logits, targets))
    expect(ruledOut).toBeCloseTo(Math.LN2, 6)
    expect(missed).toBe(Number.POSITIVE_INFINITY)
    const gradient = grad((logits: Tensor) => sumOf(crossEntropy(logits as Tensor2D, targets)))(logits)
    await expectClose(gradient, [0, 0, 0, -1, 0.5, 0.5], tolerances.identity)
  })
})

test('refuses shapes that differ', () => {
  expect(() => crossEntropy(zeros([2, 3]), zeros([2, 4]))).toThrow(
    'crossEntropy: logits and targets must both be [B, C]; got logits [2, 3], targets [2, 4]',
  )
})
