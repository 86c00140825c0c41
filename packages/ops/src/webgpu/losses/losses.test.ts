import { expectClose, randomTensors } from '@learngene/testing'
import { abs, dispose, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { crossEntropy, softenedCrossEntropy } from '../../cross-entropy.js'
import { findKernel } from '../../kernels.js'
import { meanSquaredError } from '../../mean-squared-error.js'
import { compareModes, describeWebGPU, poisonBuffers } from '../../testing/compare-modes.js'
import { softmaxRow, sum } from '../../testing/float64.js'

const seed = fc.integer({ min: 0, max: 2 ** 31 })
const rows = fc.integer({ min: 1, max: 9 })
const classes = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(127, 128, 129, 1000))

describeWebGPU((tolerances) => {
  beforeAll(() => {
    for (const name of ['LearngeneCrossEntropyGrad', 'LearngeneMeanSquaredErrorGrad'] as const) expect(findKernel(name)).toBeDefined()
  })

  test('crossEntropy equals its reference form on any shape, whatever the targets sum to', async () => {
    const property = fc.asyncProperty(seed, rows, classes, async (seed, rows, classes) => {
      const random = randomTensors(seed)
      const signed = random([rows, classes])
      const targets = abs(signed) as Tensor2D
      await poisonBuffers([[rows, 4]])
      await compareModes((logits) => crossEntropy(logits as Tensor2D, targets), [random([rows, classes], 4)], random([rows]))
      dispose([signed, targets])
    })
    await fc.assert(property, { numRuns: 25 })
  })

  test('softenedCrossEntropy equals its reference form on any shape and with any options', async () => {
    const temperature = fc.constantFrom(0.5, 1, 4)
    const property = fc.asyncProperty(
      seed,
      rows,
      classes,
      temperature,
      fc.boolean(),
      async (seed, rows, classes, temperature, lessEntropy) => {
        const random = randomTensors(seed)
        const teacher = random<Tensor2D>([rows, classes], 4)
        const options = { temperature, factor: temperature ** 2, lessEntropy }
        await compareModes((z) => softenedCrossEntropy(z as Tensor2D, teacher, options), [random([rows, classes], 4)], random([rows]))
        teacher.dispose()
      },
    )
    await fc.assert(property, { numRuns: 25 })
  })

  test('crossEntropy follows a float64 loop and stays finite where a probability underflows', async () => {
    const random = randomTensors(1)
    const logits = random<Tensor2D>([2, 300], 40)
    const targets = abs(random([2, 300])) as Tensor2D
    const [z, q] = [await logits.data(), await targets.data()]
    const expected = [0, 1].map((row) => {
      const part = Array.from(z.subarray(300 * row, 300 * row + 300))
      const high = Math.max(...part)
      const logSum = high + Math.log(sum(part.map((value) => Math.exp(value - high))))
      return sum(part.map((value, c) => q[300 * row + c]! * (logSum - value)))
    })
    await expectClose(crossEntropy(logits, targets), expected, tolerances.float64, 'value')
    expect(Math.min(...softmaxRow(z.subarray(0, 300)))).toBeLessThan(1e-46)
  })

  test('meanSquaredError equals its reference form on any shape, in one part and in several', async () => {
    const shape = fc.oneof(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom([3, 1025], [2, 4100], [65, 4104]),
    )
    const property = fc.asyncProperty(seed, shape, fc.boolean(), async (seed, shape, targetGradient) => {
      const random = randomTensors(seed)
      const target = random(shape)
      const inputs = targetGradient ? [random(shape), random(shape)] : [random(shape)]
      const f = (x?: Tensor, given?: Tensor) => meanSquaredError(x!, given ?? target, { targetGradient })
      await compareModes(f, inputs, random([shape[0]!]))
      target.dispose()
    })
    await fc.assert(property, {
      numRuns: 20,
      examples: [
        [1, [3, 1025], true],
        [2, [2, 4100], false],
      ],
    })
  })
})
