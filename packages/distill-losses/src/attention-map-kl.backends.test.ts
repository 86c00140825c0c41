import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { grad, softmax, sum, type Tensor, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { attentionMapKl } from './attention-map-kl.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch(tolerances.golden, 'attentionMapKl', ({ student, teacher }) => attentionMapKl(student!, teacher!))

  it('has the gradient of its values through the softmax that makes the map', async () => {
    const random = uniformTensors(1)
    const teacher = tidy(() => softmax(random([2, 2, 3, 3])))
    await checkLoss((scores) => tidy(() => attentionMapKl(softmax(scores), teacher)), [random([2, 2, 3, 3])], tolerances.numericGradient)
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    const map = () => tidy(() => softmax(random([2, 2, 3, 3])))
    checkTeacherIsData(attentionMapKl, map(), map())
  })

  it('is zero for equal maps, those with zeros included', async () => {
    const map = tensor4d([1, 0, 0.5, 0.5], [1, 1, 2, 2])
    await expectClose(attentionMapKl(map, map), [0], 1e-7)
  })

  it('stays finite in value and gradient where a probability of the student underflows to zero', async () => {
    const teacher = tensor4d([0.5, 0.5], [1, 1, 1, 2])
    const scores = tensor4d([0, -200], [1, 1, 1, 2])
    const [value] = await valuesOf(attentionMapKl(softmax(scores), teacher))
    expect(value).toBeGreaterThan(10)
    const gradient = grad((scores: Tensor) => sum(attentionMapKl(softmax(scores), teacher)))(scores)
    expect((await valuesOf(gradient)).every((entry) => Math.abs(entry) <= 1)).toBe(true)
  })
})

it('refuses other shapes in one line, and says what to do about other numbers of heads', () =>
  tidy(() => {
    const random = uniformTensors(0)
    expect(() => attentionMapKl(random([2, 3, 4, 4]), random([2, 12, 4, 4]))).toThrow(
      /^attentionMapKl: .*average over heads first; got student \[2, 3, 4, 4\], teacher \[2, 12, 4, 4\]$/,
    )
    expect(() => attentionMapKl(random([2, 4, 4]), random([2, 4, 4]))).toThrow(/\[B, H, N, N\]/)
  }))
