import { describeEachBackend, expectClose, uniformTensors, valuesOf } from '@learngene/testing'
import { grad, mul, oneHot, softmax, sub, type Tensor, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import {
  type DecoupledKdOptions,
  type DistOptions,
  decoupledKd,
  dist,
  hardTarget,
  klDivergence,
  labelTarget,
  softTarget,
  standardiseLogits,
  type TemperatureOptions,
} from './logit-losses.js'
import { checkLoss, checkTeacherIsData } from './testing/check-loss.js'
import { itMatchesPyTorch } from './testing/golden.js'

describe('softTarget', () => {
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
})

describe('klDivergence', () => {
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
})

describe('hardTarget', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch(tolerances.golden, 'hardTarget', ({ student, teacher }) => hardTarget(student!, teacher!))

    it('has the gradient of its values', async () => {
      const random = uniformTensors(1)
      const teacher = random([3, 5])
      await checkLoss((student) => hardTarget(student, teacher), [random([3, 5])], tolerances.numericGradient)
      teacher.dispose()
    })

    it('passes no gradient to the teacher', () => {
      const random = uniformTensors(2)
      checkTeacherIsData(hardTarget, random([2, 3]), random([2, 3]))
    })

    it("takes the teacher's likeliest class as the label, the first of equals", async () => {
      const logits = uniformTensors(3)([3, 3])
      const teacher = tensor2d([
        [-5, 0.1, 0.09],
        [2, 2, 1],
        [-3, -2, -1],
      ])
      await expectClose(hardTarget(logits, teacher), labelTarget(logits, [1, 0, 2]), tolerances.identity)
    })
  })

  it('refuses other shapes in one line', () =>
    tidy(() => {
      expect(() => hardTarget(tensor2d([[1, 2, 3]]), tensor2d([[1], [2], [3]]))).toThrow(
        /^hardTarget: .*got logits \[1, 3\], teacherLogits \[3, 1\]$/,
      )
    }))
})

describe('labelTarget', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch<{ labels?: number[] }>(tolerances.golden, 'labelTarget', ({ student, labels }, options) =>
      labelTarget(student!, options.labels ?? labels!),
    )

    it('has the gradient of its values for class indices', async () => {
      await checkLoss((logits) => labelTarget(logits, Uint8Array.of(4, 0, 2)), [uniformTensors(1)([3, 5])], tolerances.numericGradient)
    })

    it('has the gradient of its values for probabilities', async () => {
      const targets = tensor2d([
        [0.9, 0.1, 0],
        [0, 0.5, 0.5],
      ])
      await checkLoss((logits) => labelTarget(logits, targets), [uniformTensors(2)([2, 3])], tolerances.numericGradient)
      targets.dispose()
    })

    it('passes no gradient to target probabilities', () => {
      const random = uniformTensors(3)
      checkTeacherIsData(labelTarget, random([2, 3]), random([2, 3]))
    })

    it('is log C for equal logits, whatever the label', async () => {
      await expectClose(labelTarget(tensor2d([7, 7, 7, 7], [1, 4]), [2]), [Math.log(4)], tolerances.identity)
    })
  })

  it('refuses labels that do not fit in one line', () =>
    tidy(() => {
      const logits = tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ])
      expect(() => labelTarget(logits, [1])).toThrow('labelTarget: there must be one label for each of the 2 rows of logits; got 1 labels')
      expect(() => labelTarget(logits, [1, 3])).toThrow(/labels must be integers from 0 to 2; label 1 is 3/)
      expect(() => labelTarget(logits, tensor1d([1, 2]))).toThrow(
        /must be \[B, C\] like the logits; give class indices as an array.*labels \[2\]$/,
      )
      expect(() => labelTarget(tensor1d([1, 2]), [0])).toThrow('labelTarget: logits must be [B, C]; got logits [2]')
    }))
})

describe('decoupledKd', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch<DecoupledKdOptions & { labels: number[] }>(
      tolerances.golden,
      'decoupledKd',
      ({ student, teacher }, { labels, ...options }) => decoupledKd(student!, teacher!, labels, options),
    )

    it('has the gradient of its values', async () => {
      const random = uniformTensors(1)
      const teacher = random([3, 5])
      const loss = (student: Tensor) => decoupledKd(student, teacher, [4, 0, 2], { temperature: 2, beta: 3 })
      await checkLoss(loss, [random([3, 5])], tolerances.numericGradient)
      teacher.dispose()
    })

    it('passes no gradient to the teacher', () => {
      const random = uniformTensors(2)
      checkTeacherIsData((student, teacher) => decoupledKd(student, teacher, [0, 1]), random([2, 3]), random([2, 3]))
    })

    it('takes target probabilities, of which the likeliest class is the true one', async () => {
      const random = uniformTensors(4)
      const [student, teacher] = [random<Tensor>([2, 3]), random<Tensor>([2, 3])]
      const given = tensor2d([
        [0, 0, 1],
        [0.3, 0.6, 0.1],
      ])
      await expectClose(decoupledKd(student, teacher, given), decoupledKd(student, teacher, [2, 1]), tolerances.identity)
    })

    it("is the divergence of all classes where the others' part has the teacher's weight", async () => {
      const random = uniformTensors(3)
      const [student, teacher] = [random<Tensor>([1, 4]), random<Tensor>([1, 4])]
      const own = (await valuesOf(softmax(teacher as Tensor2D)))[2]!
      await expectClose(decoupledKd(student, teacher, [2], { beta: 1 - own }), klDivergence(student, teacher), tolerances.identity)
    })

    it('stays finite where a class is certain', async () => {
      const certain = tensor2d([[500, -500, 0]])
      await expectClose(decoupledKd(certain, certain, [0]), [0], tolerances.identity)
    })
  })

  it('refuses labels and options that do not fit in one line', () =>
    tidy(() => {
      const logits = tensor2d([[1, 2, 3]])
      expect(() => decoupledKd(logits, logits, [0, 1])).toThrow(
        'decoupledKd: there must be one label for each of the 1 rows of logits; got 2 labels',
      )
      expect(() => decoupledKd(logits, logits, tensor1d([0]))).toThrow(
        /decoupledKd: a tensor of target probabilities must be \[B, C\] like the logits; give class indices as an array.*labels \[1\]$/,
      )
      expect(() => decoupledKd(logits, logits, [3])).toThrow(/3/)
      expect(() => decoupledKd(logits, logits, [0], { beta: Number.NaN })).toThrow('decoupledKd: beta must be a finite number; got NaN')
      expect(() => decoupledKd(logits, logits, [0], { temperature: 0 })).toThrow('decoupledKd: temperature must be a number greater than 0')
    }))
})

describe('dist', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch<DistOptions>(tolerances.golden, 'dist', ({ student, teacher }, options) => dist(student!, teacher!, options))

    it('has the gradient of its values', async () => {
      const random = uniformTensors(1)
      const teacher = random([3, 5])
      await checkLoss((student) => dist(student, teacher, { temperature: 0.5, gamma: 2 }), [random([3, 5])], tolerances.numericGradient)
      teacher.dispose()
    })

    it('passes no gradient to the teacher', () => {
      const random = uniformTensors(2)
      checkTeacherIsData(dist, random([3, 4]), random([3, 4]))
    })

    it('is 0 where both agree', async () => {
      const x = uniformTensors(3)<Tensor>([3, 4])
      await expectClose(dist(x, x), [0, 0, 0], tolerances.identity)
    })
  })

  it('refuses options in one line', () =>
    tidy(() => {
      const logits = tensor2d([[1, 2, 3]])
      expect(() => dist(logits, logits, { gamma: Number.POSITIVE_INFINITY })).toThrow('dist: gamma must be a finite number; got Infinity')
      expect(() => dist(logits, tensor2d([[1, 2]]))).toThrow(/same classes/)
    }))
})

describe('standardiseLogits', () => {
  describeEachBackend(({ tolerances }) => {
    itMatchesPyTorch<{ temperature: number }>(tolerances.golden, 'standardiseLogits', ({ student, teacher }, options) =>
      klDivergence(standardiseLogits(student!), standardiseLogits(teacher!), options),
    )

    it('gives mean 0 and deviation 1, whatever shift and scale are', async () => {
      const logits = tensor2d([[1, 2, 3]])
      await expectClose(standardiseLogits(logits), [-1, 0, 1], tolerances.identity)
      await expectClose(standardiseLogits(mul(sub(logits, 7), 9)), [-1, 0, 1], tolerances.identity)
    })
  })

  it('refuses other shapes in one line', () =>
    tidy(() => {
      expect(() => standardiseLogits(tensor2d([[1], [2]]))).toThrow(
        'standardiseLogits: logits must be [B, C] of at least 2 classes; got logits [2, 1]',
      )
    }))
})
