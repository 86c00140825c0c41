import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grad, sum as sumOf, type Tensor, type Tensor2D, tensor2d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { type SoftenedOptions, softenedCrossEntropy } from './softened-cross-entropy.js'
import { softmaxRow, sum } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

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
