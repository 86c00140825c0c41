import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import {
  add,
  concat,
  dispose,
  grad,
  losses,
  matMul,
  memory,
  mul,
  neg,
  norm,
  Reduction,
  reshape,
  softmax,
  split,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  valueAndGrads,
} from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attentionMapKl,
  attentionTransfer,
  cosineDistance,
  featureMse,
  relationMse,
  tokenWise,
  transformedMse,
  unitTokens,
  variationalInformation,
} from './feature-losses.js'
import { klDivergence } from './logit-losses.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describe('featureMse', () => {
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
})

describe('transformedMse', () => {
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
})

describe('cosineDistance', () => {
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
})

describe('relationMse', () => {
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
})

describe('attentionMapKl', () => {
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
})

describe('unitTokens', () => {
  describeEachBackend(({ tolerances }) => {
    it('has the gradient of its values', async () => {
      const weights = uniformTensors(1)<Tensor>([2, 3, 4])
      await checkLoss(
        (x) => tidy(() => sum(mul(unitTokens(x), weights), [1, 2])),
        [uniformTensors(2)([2, 3, 4])],
        tolerances.numericGradient,
      )
      weights.dispose()
    })

    it('makes every token one long', async () => {
      await expectClose(norm(unitTokens(uniformTensors(3)<Tensor>([2, 3, 4])), 2, -1), new Float32Array(6).fill(1), tolerances.identity)
    })

    it('keeps a zero token and its gradient finite', async () => {
      const zero = tensor2d([0, 0, 0], [1, 3])
      expect(await valuesOf(unitTokens(zero))).toEqual([0, 0, 0])
      expect((await valuesOf(grad(unitTokens<Tensor>)(zero))).every(Number.isFinite)).toBe(true)
    })
  })
})

describe('attentionTransfer', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch(tolerances.golden, 'attentionTransfer', ({ student, teacher }) => attentionTransfer(student!, teacher!))

    it('has the gradient of its values, and passes none to the teacher', async () => {
      const random = uniformTensors(1)
      const teacher = random([2, 4, 5])
      await checkLoss((student) => attentionTransfer(student, teacher), [random([2, 4, 3])], tolerances.numericGradient)
      checkTeacherIsData(attentionTransfer, random([2, 3, 4]), random([2, 3, 5]))
      teacher.dispose()
    })
  })

  it('refuses other shapes in one line', () =>
    tidy(() => {
      const random = uniformTensors(0)
      expect(() => attentionTransfer(random([2, 3, 4]), random([2, 5, 4]))).toThrow(/^attentionTransfer: .*agree in B and N/)
    }))
})

describe('variationalInformation', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch(tolerances.golden, 'variationalInformation', ({ student, teacher, rawVariance }) =>
      variationalInformation(student!, teacher!, { rawVariance: rawVariance as Tensor1D }),
    )

    it('has the gradients of its values in prediction and variance, and passes none to the teacher', async () => {
      const random = uniformTensors(1)
      const teacher = random([2, 4, 3])
      const loss = (student: Tensor, rawVariance: Tensor) =>
        variationalInformation(student, teacher, { rawVariance: rawVariance as Tensor1D })
      await checkLoss(loss, [random([2, 4, 3]), random([3])], tolerances.numericGradient)
      const rawVariance = random<Tensor1D>([4])
      checkTeacherIsData(
        (student, teacher) => variationalInformation(student, teacher, { rawVariance }),
        random([2, 3, 4]),
        random([2, 3, 4]),
      )
      for (const each of [teacher, rawVariance]) each.dispose()
    })

    it('stays finite for raw variances that overflow an exponential', async () => {
      const x = tensor2d([[1, 2]])
      await expectClose(variationalInformation(x, x, { rawVariance: tensor1d([200, -200]) }), [(Math.log(200) + Math.log(1e-5)) / 4], 1e-5)
    })
  })

  it('refuses other shapes in one line', () =>
    tidy(() => {
      const random = uniformTensors(0)
      expect(() => variationalInformation(random([2, 3]), random([2, 3]), { rawVariance: random([2]) })).toThrow(
        'variationalInformation: rawVariance must be [D], one for each direction of the features; got rawVariance [2], teacher [2, 3]',
      )
    }))
})

describe('tokenWise', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch(tolerances.golden, 'tokenWise', ({ student, teacher, mask }) =>
      tokenWise(klDivergence, { mask: mask as Tensor2D })(student!, teacher!),
    )

    it('is the mean over tokens without a mask, and with one of all', async () => {
      const random = uniformTensors(1)
      const [student, teacher] = [random<Tensor>([2, 3, 4]), random<Tensor>([2, 3, 4])]
      await expectClose(tokenWise(cosineDistance)(student, teacher), cosineDistance(student, teacher), tolerances.identity)
      const mask = tensor2d([1, 1, 1, 2, 2, 2], [2, 3])
      await expectClose(tokenWise(cosineDistance, { mask })(student, teacher), cosineDistance(student, teacher), tolerances.identity)
    })

    it('sees nothing of what the mask leaves out, and of an image without any', async () => {
      const random = uniformTensors(2)
      const [student, teacher] = [random<Tensor>([2, 3, 4]), random<Tensor>([2, 3, 4])]
      const loss = tokenWise(cosineDistance, { mask: tensor2d([0, 1, 0, 0, 0, 0], [2, 3]) })
      const gradient = grad((x: Tensor) => sum(loss(x, teacher)))(student)
      const values = await valuesOf(gradient)
      expect(
        values
          .slice(0, 4)
          .concat(values.slice(8))
          .every((value) => value === 0),
      ).toBe(true)
      expect(values.slice(4, 8).every((value) => value !== 0)).toBe(true)
      expect((await valuesOf(loss(student, teacher)))[1]).toBe(0)
    })
  })

  it('refuses masks of other shapes in one line', () =>
    tidy(() => {
      const random = uniformTensors(0)
      const loss = tokenWise(cosineDistance, { mask: random([2, 4]) })
      expect(() => loss(random([2, 3, 4]), random([2, 3, 4]))).toThrow(
        'tokenWise: the mask must be [B, N] like the tokens; got mask [2, 4], student [2, 3, 4]',
      )
    }))
})
