import { describeEachBackend, expectClose, uniformTensors } from '@learngene/testing'
import {
  add,
  concat,
  dispose,
  matMul,
  memory,
  mul,
  reshape,
  split,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
  tidy,
  valueAndGrads,
} from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { relationMse } from './relation-mse.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch(tolerances.golden, 'relationMse', ({ student, teacher }) => relationMse(student!, teacher!))

  it('has the gradient of its values', async () => {
    const random = uniformTensors(1)
    const teacher = random([2, 4, 5])
    await checkLoss((student) => relationMse(student, teacher), [random([2, 4, 3])], tolerances.numericGradient)
    teacher.dispose()
  })

  it('gives many tokens the value and gradient that each image has alone, and leaves no tensors behind', async () => {
    const random = uniformTensors(4)
    const [student, teacher] = [random<Tensor>([2, 70, 3]), random<Tensor>([2, 70, 5])]
    const before = memory().numTensors
    const backward = valueAndGrads((student: Tensor) => tidy(() => sum(relationMse(student, teacher))))
    const { value, grads } = backward([student])
    expect(memory().numTensors).toBe(before + 2)
    const teachers = split(teacher, 2)
    const alone = split(student, 2).map((image, i) => valueAndGrads((image: Tensor) => sum(relationMse(image, teachers[i]!)))([image]))
    await expectClose(value, add(alone[0]!.value, alone[1]!.value), tolerances.identity)
    await expectClose(grads[0]!, concat([alone[0]!.grads[0]!, alone[1]!.grads[0]!]), 1e-7)
    dispose([student, teacher, value, grads])
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData(relationMse, random([2, 3, 4]), random([2, 3, 5]))
  })

  it('is zero where the teacher is the student turned and stretched', async () => {
    const student = uniformTensors(3)<Tensor>([2, 4, 2])
    const turn = tensor2d([Math.cos(1), -Math.sin(1), Math.sin(1), Math.cos(1)], [2, 2])
    const turned = mul(reshape(matMul(reshape(student, [8, 2]) as Tensor2D, turn), [2, 4, 2]), 7)
    await expectClose(relationMse(student, turned), [0, 0], 1e-9)
  })
})

it('refuses other shapes in one line', () =>
  tidy(() => {
    const random = uniformTensors(0)
    expect(() => relationMse(random([2, 3, 4]), random([2, 5, 4]))).toThrow(
      /^relationMse: .*agree in B and N; got student \[2, 3, 4\], teacher \[2, 5, 4\]$/,
    )
    expect(() => relationMse(random([2, 3]), random([2, 3]))).toThrow(/\[B, N, D_s\]/)
  }))
