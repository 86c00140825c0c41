import { tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { labelTarget } from './label-target.js'
import { describeBackends } from './testing/backends.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { expectClose } from './testing/expect-close.js'
import { itMatchesPyTorch } from './testing/golden.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'

describeBackends(() => {
  itMatchesPyTorch<{ labels?: number[] }>('labelTarget', ({ student, labels }, options) => labelTarget(student!, options.labels ?? labels!))

  it('has the gradient of its values for class indices', () => {
    checkLoss((logits) => labelTarget(logits, Uint8Array.of(4, 0, 2)), [randomTensors(1)(3, 5)])
  })

  it('has the gradient of its values for probabilities', () => {
    const targets = tensor2d([
      [0.9, 0.1, 0],
      [0, 0.5, 0.5],
    ])
    checkLoss((logits) => labelTarget(logits, targets), [randomTensors(2)(2, 3)])
    targets.dispose()
  })

  it('passes no gradient to target probabilities', () => {
    const random = randomTensors(3)
    checkTeacherIsData(labelTarget, random(2, 3), random(2, 3))
  })

  it('is log C for equal logits, whatever the label', () =>
    tidy(() => {
      expectClose(labelTarget(tensor2d([7, 7, 7, 7], [1, 4]), [2]), [Math.log(4)], TOLERANCES.identity)
    }))
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
