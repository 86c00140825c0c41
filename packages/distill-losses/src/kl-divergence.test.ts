import { grad, sub, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { klDivergence } from './kl-divergence.js'
import { softTarget } from './soft-target.js'
import type { TemperatureOptions } from './temperature.js'
import { describeBackends } from './testing/backends.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { expectClose } from './testing/expect-close.js'
import { itMatchesPyTorch } from './testing/golden.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'

describeBackends(() => {
  itMatchesPyTorch<TemperatureOptions>('klDivergence', ({ student, teacher }, options) => klDivergence(student!, teacher!, options))

  it('has the gradient of its values', () => {
    const random = randomTensors(1)
    const teacher = random(3, 5)
    checkLoss((student) => klDivergence(student, teacher, { temperature: 2 }), [random(3, 5)])
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = randomTensors(2)
    checkTeacherIsData((student, teacher) => klDivergence(student, teacher), random(2, 3), random(2, 3))
  })

  it('is zero where student and teacher agree, and positive elsewhere', () =>
    tidy(() => {
      const random = randomTensors(3)
      const logits = random<Tensor>(4, 6)
      expectClose(klDivergence(logits, logits), [0, 0, 0, 0], 1e-7)
      expect(Math.min(...klDivergence(logits, random(4, 6)).dataSync())).toBeGreaterThan(0)
    }))

  it('is softTarget less the entropy of the teacher, with the same gradient', () =>
    tidy(() => {
      const random = randomTensors(4)
      const [student, teacher] = [random<Tensor>(3, 5), random<Tensor>(3, 5)]
      const options = { temperature: 3 }
      const entropy = softTarget(teacher, teacher, options)
      expectClose(klDivergence(student, teacher, options), sub(softTarget(student, teacher, options), entropy), TOLERANCES.identity)
      const gradient = grad((student: Tensor) => klDivergence(student, teacher, options))(student)
      expectClose(gradient, grad((student: Tensor) => softTarget(student, teacher, options))(student), TOLERANCES.identity)
    }))
})

it('refuses other shapes and options in one line', () =>
  tidy(() => {
    const logits = tensor2d([[1, 2, 3]])
    expect(() => klDivergence(logits, tensor2d([[1, 2]]))).toThrow(/^klDivergence: .*got logits \[1, 3\], teacherLogits \[1, 2\]$/)
    expect(() => klDivergence(logits, logits, { temperature: 0 })).toThrow(/^klDivergence: temperature must be/)
  }))
