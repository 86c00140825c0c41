import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grad, sum as sumOf, type Tensor, type Tensor2D, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { crossEntropy, type SoftenedOptions, softenedCrossEntropy } from './cross-entropy.js'
import { softmaxRow, sum } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

describe('crossEntropy', () => {
  /** A row that sums to 1, one that does not, and one-hot. */
  const TARGETS = [
    [0.1, 0.2, 0.3, 0.4],
    [2, 0, 1, 0.5],
    [0, 0, 1, 0],
  ]

  describeVariants(({ tolerances }) => {
    test('has the gradient of its values, and leaks nothing', async () => {
      const targets = tensor2d(TARGETS)
      await checkGradients((logits) => crossEntropy(logits as Tensor2D, targets), [randomTensors(1)([3, 4], 2)], tolerances.numericGradient)
      targets.dispose()
    })

    test('equals loops in double precision', async () => {
      const logits = randomTensors(2)<Tensor2D>([3, 4], 5)
      const expected = (await logits.array()).map((row, i) => {
        const probabilities = softmaxRow(row)
        return -sum(TARGETS[i]!.map((target, c) => target * Math.log(probabilities[c]!)))
      })
      const losses = crossEntropy(logits, tensor2d(TARGETS))
      expect(losses.shape).toEqual([3])
      await expectClose(losses, expected, tolerances.float64)
    })

    test('stays finite where a probability underflows', async () => {
      const losses = crossEntropy(tensor2d([[1000, -1000]]), tensor2d([[0, 1]]))
      expect(await valuesOf(losses)).toEqual([2000])
    })

    test('a class that logits and targets rule out counts nothing, one that only the logits rule out without end', async () => {
      const no = Number.NEGATIVE_INFINITY
      const logits = tensor2d([
        [1, no, 1],
        [no, 0, 0],
      ])
      const targets = tensor2d([
        [0.5, 0, 0.5],
        [1, 0, 0],
      ])
      const [ruledOut, missed] = await valuesOf(crossEntropy(logits, targets))
      expect(ruledOut).toBeCloseTo(Math.LN2, 6)
      expect(missed).toBe(Number.POSITIVE_INFINITY)
      const gradient = grad((logits: Tensor) => sumOf(crossEntropy(logits as Tensor2D, targets)))(logits)
      await expectClose(gradient, [0, 0, 0, -1, 0.5, 0.5], tolerances.identity)
    })
  })

  test('refuses shapes that differ', () => {
    expect(() => crossEntropy(zeros([2, 3]), zeros([2, 4]))).toThrow(
      'crossEntropy: logits and targets must both be [B, C]; got logits [2, 3], targets [2, 4]',
    )
  })
})

describe('softenedCrossEntropy', () => {
  const OPTIONS = [{}, { temperature: 3, factor: 9 }, { temperature: 0.5, lessEntropy: true }]

  describeVariants(({ tolerances }) => {
    test.each(OPTIONS)('has the gradient of its values with %j, and leaks nothing', async (options) => {
      const random = randomTensors(1)
      const teacher = random<Tensor2D>([3, 5])
      const loss = (logits: unknown) => softenedCrossEntropy(logits as Tensor2D, teacher, options)
      await checkGradients(loss, [random([3, 5])], tolerances.numericGradient)
      teacher.dispose()
    })

    test.each(OPTIONS)('equals loops in double precision with %j', async (options) => {
      const { temperature = 1, factor = 1, lessEntropy = false } = { lessEntropy: false, ...options }
      const random = randomTensors(2)
      const [logits, teacher] = [random<Tensor2D>([2, 7], 3), random<Tensor2D>([2, 7], 3)]
      const [zs, ts] = [await valuesOf(logits), await valuesOf(teacher)]
      const expected = [0, 1].map((row) => {
        const [q, p] = [zs, ts].map((values) => softmaxRow(values.slice(7 * row, 7 * row + 7).map((value) => value / temperature)))
        return factor * sum(p!.map((p, c) => p * ((lessEntropy ? Math.log(p) : 0) - Math.log(q![c]!))))
      })
      await expectClose(softenedCrossEntropy(logits, teacher, options), expected, tolerances.float64)
    })

    test.each<SoftenedOptions>([{}, { lessEntropy: true }, { lessEntropy: true, temperature: 2 }])(
      'a class that the teacher rules out counts nothing with %j, whatever the student thinks of it',
      async (options) => {
        const no = Number.NEGATIVE_INFINITY
        const teacher = tensor2d([
          [2, no, 2],
          [0, no, 0],
        ])
        const logits = tensor2d([
          [1, 1, 1],
          [3, no, 3],
        ])
        const entropy = options.lessEntropy ? Math.LN2 : 0
        await expectClose(softenedCrossEntropy(logits, teacher, options), [Math.log(3) - entropy, Math.LN2 - entropy], tolerances.identity)
        const gradient = grad((logits: Tensor) => sumOf(softenedCrossEntropy(logits as Tensor2D, teacher, options)))(logits)
        const thirds = [-1 / 6, 1 / 3, -1 / 6].map((value) => value / (options.temperature ?? 1))
        await expectClose(gradient, [...thirds, 0, 0, 0], tolerances.identity)
      },
    )
  })

  test('refuses shapes that differ', () => {
    expect(() => softenedCrossEntropy(zeros([2, 3]), zeros([2, 4]))).toThrow(
      'softenedCrossEntropy: logits and teacherLogits must both be [B, C]; got logits [2, 3], teacherLogits [2, 4]',
    )
  })
})
