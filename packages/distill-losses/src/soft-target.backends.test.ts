import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import { mul, oneHot, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { labelTarget } from './label-target.js'
import { softTarget } from './soft-target.js'
import type { TemperatureOptions } from './temperature.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch<TemperatureOptions>(tolerances.golden, 'softTarget', ({ student, teacher }, options) =>
    softTarget(student!, teacher!, options),
  )

  it.each<TemperatureOptions>([{}, { temperature: 3 }, { temperature: 0.5, classes: 'mean' }])(
    'has the gradient of its values, %j',
    async (options) => {
      const random = uniformTensors(1)
      const teacher = random([3, 5])
      await checkLoss((student) => softTarget(student, teacher, options), [random([3, 5])], tolerances.numericGradient)
      teacher.dispose()
    },
  )

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData((student, teacher) => softTarget(student, teacher, { temperature: 2 }), random([2, 3]), random([2, 3]))
  })

  it('becomes the cross entropy with a label where the teacher is certain', async () => {
    const logits = uniformTensors(3)<Tensor>([2, 4])
    const certain = mul(oneHot([3, 1], 4), 200)
    await expectClose(softTarget(logits, certain), labelTarget(logits, [3, 1]), tolerances.identity)
  })

  it('stays finite for logits that overflow an exponential', async () => {
    const loss = softTarget(tensor2d([[1000, -1000]]), tensor2d([[-1000, 1000]]))
    await expectClose(loss, [2000], tolerances.identity)
  })
})

it('refuses other shapes and options in one line', () =>
  tidy(() => {
    const logits = tensor2d([[1, 2, 3]])
    expect(() => softTarget(logits, tensor2d([[1, 2]]))).toThrow(
      'softTarget: logits and teacherLogits must both be [B, C] with the same classes; got logits [1, 3], teacherLogits [1, 2]',
    )
    expect(() => softTarget(uniformTensors(0)([2, 3, 4]), uniformTensors(0)([2, 3, 4]))).toThrow(/both be \[B, C\].*\[2, 3, 4\]/)
    for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => softTarget(logits, logits, { temperature })).toThrow(
        /temperature must be a number greater than 0.*got (0|-1|NaN|Infinity)$/,
      )
    }
    expect(() => softTarget(logits, logits, { classes: 'average' as 'mean' })).toThrow("classes must be 'sum' or 'mean'; got 'average'")
  }))
