import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import { tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { labelTarget } from './label-target.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch<{ labels?: number[] }>(tolerances.golden, 'labelTarget', ({ student, labels }, options) =>
    labelTarget(student!, options.labels ?? labels!),
  )

  it('has the gradient of its values for class indices', async () => {
    await checkLoss((logits) => labelTarget(logits, Uint8Array.of(4, 0, 2)), [uniformTensors(1)([3, 5])], tolerances.numericGradient)
  })

  it('has the gradient of its values for probabilities', async () => {
    const targets = tensor2d([
      [0.9, 0.1, 0],
      [0, 0.5, 0.5],
    ])
    await checkLoss((logits) => labelTarget(logits, targets), [uniformTensors(2)([2, 3])], tolerances.numericGradient)
    targets.dispose()
  })

  it('passes no gradient to target probabilities', () => {
    const random = uniformTensors(3)
    checkTeacherIsData(labelTarget, random([2, 3]), random([2, 3]))
  })

  it('is log C for equal logits, whatever the label', async () => {
    await expectClose(labelTarget(tensor2d([7, 7, 7, 7], [1, 4]), [2]), [Math.log(4)], tolerances.identity)
  })
})

it('refuses labels that do not fit in one line', () =>
  tidy(() => {
    const logits = tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(() => labelTarget(logits, [1])).toThrow('labelTarget: there must be one label for each of the 2 rows of logits; got 1 labels')
    expect(() => labelTarget(logits, [1, 3])).toThrow(/labels must be integers from 0 to 2; label 1 is 3/)
    expect(() => labelTarget(logits, tensor1d([1, 2]))).toThrow(
      /must be \[B, C\] like the logits; give class indices as an array.*labels \[2\]$/,
    )
    expect(() => labelTarget(tensor1d([1, 2]), [0])).toThrow('labelTarget: logits must be [B, C]; got logits [2]')
  }))
