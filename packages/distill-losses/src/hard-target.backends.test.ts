import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import { tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { hardTarget } from './hard-target.js'
import { labelTarget } from './label-target.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch(tolerances.golden, 'hardTarget', ({ student, teacher }) => hardTarget(student!, teacher!))

  it('has the gradient of its values', async () => {
    const random = uniformTensors(1)
    const teacher = random([3, 5])
    await checkLoss((student) => hardTarget(student, teacher), [random([3, 5])], tolerances.numericGradient)
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData(hardTarget, random([2, 3]), random([2, 3]))
  })

  it("takes the teacher's likeliest class as the label, the first of equals", async () => {
    const logits = uniformTensors(3)([3, 3])
    const teacher = tensor2d([
      [-5, 0.1, 0.09],
      [2, 2, 1],
      [-3, -2, -1],
    ])
    await expectClose(hardTarget(logits, teacher), labelTarget(logits, [1, 0, 2]), tolerances.identity)
  })
})

it('refuses other shapes in one line', () =>
  tidy(() => {
    expect(() => hardTarget(tensor2d([[1, 2, 3]]), tensor2d([[1], [2], [3]]))).toThrow(
      /^hardTarget: .*got logits \[1, 3\], teacherLogits \[3, 1\]$/,
    )
  }))
