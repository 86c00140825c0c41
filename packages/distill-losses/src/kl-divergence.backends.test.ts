import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { grad, sub, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { klDivergence } from './kl-divergence.js'
import { softTarget } from './soft-target.js'
import type { TemperatureOptions } from './temperature.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch<TemperatureOptions>(tolerances.golden, 'klDivergence', ({ student, teacher }, options) =>
    klDivergence(student!, teacher!, options),
  )

  it('has the gradient of its values', async () => {
    const random = uniformTensors(1)
    const teacher = random([3, 5])
    await checkLoss((student) => klDivergence(student, teacher, { temperature: 2 }), [random([3, 5])], tolerances.numericGradient)
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData((student, teacher) => klDivergence(student, teacher), random([2, 3]), random([2, 3]))
  })

  it('is zero where student and teacher agree, and positive elsewhere', async () => {
    const random = uniformTensors(3)
    const logits = random<Tensor>([4, 6])
    await expectClose(klDivergence(logits, logits), [0, 0, 0, 0], 1e-7)
    expect(Math.min(...(await valuesOf(klDivergence(logits, random([4, 6])))))).toBeGreaterThan(0)
  })

  it('is softTarget less the entropy of the teacher, with the same gradient', async () => {
    const random = uniformTensors(4)
    const [student, teacher] = [random<Tensor>([3, 5]), random<Tensor>([3, 5])]
    const options = { temperature: 3 }
    const entropy = softTarget(teacher, teacher, options)
    await expectClose(klDivergence(student, teacher, options), sub(softTarget(student, teacher, options), entropy), tolerances.identity)
    const gradient = grad((student: Tensor) => klDivergence(student, teacher, options))(student)
    await expectClose(gradient, grad((student: Tensor) => softTarget(student, teacher, options))(student), tolerances.identity)
  })
})

it('refuses other shapes and options in one line', () =>
  tidy(() => {
    const logits = tensor2d([[1, 2, 3]])
    expect(() => klDivergence(logits, tensor2d([[1, 2]]))).toThrow(/^klDivergence: .*got logits \[1, 3\], teacherLogits \[1, 2\]$/)
    expect(() => klDivergence(logits, logits, { temperature: 0 })).toThrow(/^klDivergence: temperature must be/)
  }))
