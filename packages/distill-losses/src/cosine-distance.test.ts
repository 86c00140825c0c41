import { mul, neg, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { cosineDistance } from './cosine-distance.js'
import { describeBackends } from './testing/backends.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { expectClose } from './testing/expect-close.js'
import { itMatchesPyTorch } from './testing/golden.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'

describeBackends(() => {
  itMatchesPyTorch('cosineDistance', ({ student, teacher }) => cosineDistance(student!, teacher!))

  it.each([[[3, 4]], [[2, 3, 4]]])('has the gradient of its values for features %j', (shape) => {
    const random = randomTensors(1)
    const teacher = random(...shape)
    checkLoss((student) => cosineDistance(student, teacher), [random(...shape)])
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = randomTensors(2)
    checkTeacherIsData(cosineDistance, random(2, 3, 4), random(2, 3, 4))
  })

  it('is 0 for the same directions, 2 for opposite ones and 1 for a zero token', () =>
    tidy(() => {
      const x = randomTensors(3)<Tensor>(2, 3, 4)
      expectClose(cosineDistance(mul(x, 50), x), [0, 0], TOLERANCES.identity)
      expectClose(cosineDistance(neg(x), x), [2, 2], TOLERANCES.identity)
      expectClose(cosineDistance(tensor2d([[0, 0]]), tensor2d([[1, 2]])), [1], TOLERANCES.identity)
    }))
})

it('refuses other shapes in one line', () =>
  tidy(() => {
    const random = randomTensors(0)
    expect(() => cosineDistance(random(2, 3, 4), random(2, 3, 8))).toThrow(
      /^cosineDistance: .*got student \[2, 3, 4\], teacher \[2, 3, 8\]$/,
    )
  }))
