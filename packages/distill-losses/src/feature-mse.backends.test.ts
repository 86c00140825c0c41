import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { losses, Reduction, type Tensor, tidy } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { featureMse } from './feature-mse.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describeEachBackend(({ tolerances }) => {
  itMatchesPyTorch(tolerances.golden, 'featureMse', ({ student, teacher }) => featureMse(student!, teacher!))

  it.each([[[3, 4]], [[2, 3, 4]]])('has the gradient of its values for features %j', async (shape) => {
    const random = uniformTensors(1)
    const teacher = random(shape)
    await checkLoss((student) => featureMse(student, teacher), [random(shape)], tolerances.numericGradient)
    teacher.dispose()
  })

  it('passes no gradient to the teacher', () => {
    const random = uniformTensors(2)
    checkTeacherIsData(featureMse, random([2, 3, 4]), random([2, 3, 4]))
  })

  it("averages over the batch to TensorFlow.js's mean squared error", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 3 }), fc.nat(), async (shape, seed) => {
        const random = uniformTensors(seed)
        const [student, teacher] = [random<Tensor>(shape), random<Tensor>(shape)]
        const whole = losses.meanSquaredError(teacher, student, undefined, Reduction.MEAN)
        const values = await valuesOf(featureMse(student, teacher))
        expect(values.length).toBe(shape[0])
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        await expectClose(whole, [mean], tolerances.identity)
      }),
      { seed: 0, numRuns: 20 },
    ))
})

it('refuses other shapes in one line, and says what to do about other widths', () =>
  tidy(() => {
    const random = uniformTensors(0)
    expect(() => featureMse(random([2, 3, 4]), random([2, 3, 8]))).toThrow(
      /^featureMse: .*transformedMse.*got student \[2, 3, 4\], teacher \[2, 3, 8\]$/,
    )
    expect(() => featureMse(random([2, 3, 4]), random([1, 3, 4]))).toThrow(/one shape \[B, N, D\]/)
    expect(() => featureMse(random([2]), random([2]))).toThrow(/one shape \[B, N, D\]/)
  }))
