import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import { mul, neg, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { cosineDistance } from './cosine-distance.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch(tolerances.golden, 'cosineDistance', ({ student, teacher }) => cosineDistance(student!, teacher!))

  it.each([[[3, 4]], [[2, 3, 4]]])('has the gradient of its values for features %j', async (shape) => {
    const random = uniformTensors(1)
    const teacher = random(shape)
    await checkLoss((student) => cosineDistance(student, teacher), [random(shape)], tolerances.numericGradient)
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData(cosineDistance, random([2, 3, 4]), random([2, 3, 4]))
  })

  it('is 0 for the same directions, 2 for opposite ones and 1 for a zero token', async () => {
    const x = uniformTensors(3)<Tensor>([2, 3, 4])
    await expectClose(cosineDistance(mul(x, 50), x), [0, 0], tolerances.identity)
    await expectClose(cosineDistance(neg(x), x), [2, 2], tolerances.identity)
    await expectClose(cosineDistance(tensor2d([[0, 0]]), tensor2d([[1, 2]])), [1], tolerances.identity)
  })
})

it('refuses other shapes in one line', () =>
  tidy(() => {
    const random = uniformTensors(0)
    expect(() => cosineDistance(random([2, 3, 4]), random([2, 3, 8]))).toThrow(
      /^cosineDistance: .*got student \[2, 3, 4\], teacher \[2, 3, 8\]$/,
    )
  }))
