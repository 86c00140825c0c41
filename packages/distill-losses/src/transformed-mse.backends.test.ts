import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import { type Tensor, type Tensor1D, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { featureMse } from './feature-mse.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'
import { transformedMse } from './transformed-mse.js'

const SIDES = [
  { side: 'student', outputs: 5, inputs: 3 },
  { side: 'teacher', outputs: 3, inputs: 5 },
] as const

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch<{ side: 'student' | 'teacher' }>(tolerances.golden, 'transformedMse', ({ student, teacher, weight, bias }, { side }) =>
    transformedMse(student!, teacher!, { weight: weight as Tensor2D, bias: bias as Tensor1D, side }),
  )

  describe.each(SIDES)('side $side', ({ side, outputs, inputs }) => {
    it('has the gradients of its values in student, weight and bias', async () => {
      const random = uniformTensors(1)
      const teacher = random([2, 4, 5])
      const loss = (student: Tensor, weight: Tensor, bias: Tensor) =>
        transformedMse(student, teacher, { weight: weight as Tensor2D, bias: bias as Tensor1D, side })
      await checkLoss(loss, [random([2, 4, 3]), random([outputs, inputs]), random([outputs])], tolerances.numericGradient)
      teacher.dispose()
    })

    it('passes no gradient to the teacher', () => {
      const random = uniformTensors(2)
      const [weight, bias] = [random<Tensor2D>([outputs, inputs]), random<Tensor1D>([outputs])]
      const loss = (student: Tensor, teacher: Tensor) => transformedMse(student, teacher, { weight, bias, side })
      checkTeacherIsData(loss, random([2, 4, 3]), random([2, 4, 5]))
      weight.dispose()
      bias.dispose()
    })

    it('is featureMse where the map is the identity', async () => {
      const random = uniformTensors(3)
      const [student, teacher] = [random<Tensor>([2, 4, 2]), random<Tensor>([2, 4, 2])]
      const map = { weight: tensor2d([1, 0, 0, 1], [2, 2]), bias: tensor1d([0, 0]) }
      await expectClose(transformedMse(student, teacher, { ...map, side }), featureMse(student, teacher), tolerances.identity)
    })
  })

  it('maps the student unless told otherwise', async () => {
    const student = tensor2d([1, 2], [1, 2])
    const map = { weight: tensor2d([3, 4], [1, 2]), bias: tensor1d([5]) }
    await expectClose(transformedMse(student, tensor2d([6], [1, 1]), map), [100], tolerances.identity)
  })
})

it('refuses shapes and sides that do not fit in one line', () =>
  tidy(() => {
    const random = uniformTensors(0)
    const [student, teacher] = [random<Tensor>([2, 4, 3]), random<Tensor>([2, 4, 5])]
    const map = { weight: random<Tensor2D>([5, 3]), bias: random<Tensor1D>([5]) }
    expect(() => transformedMse(student, teacher, { ...map, side: 'teacher' })).toThrow(
      "transformedMse: side 'teacher' needs weight [3, 5] and bias [3] for these features; got weight [5, 3], bias [5], student [2, 4, 3], teacher [2, 4, 5]",
    )
    expect(() => transformedMse(student, teacher, { ...map, bias: random([3]) })).toThrow(
      /needs weight \[5, 3\] and bias \[5\].*bias \[3\]/,
    )
    expect(() => transformedMse(student, random([2, 6, 5]), map)).toThrow(
      /must agree in B and N; got student \[2, 4, 3\], teacher \[2, 6, 5\]$/,
    )
    expect(() => transformedMse(student, teacher, { ...map, side: 'both' as 'student' })).toThrow(
      "side must be 'student' or 'teacher'; got 'both'",
    )
  }))
