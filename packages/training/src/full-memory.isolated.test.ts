import type { Reporter } from '@learngene/interfaces'
import { nameBatch, OutOfMemoryError } from '@learngene/ops'
import { describeOnSmallGpu } from '@learngene/testing'
import { add, dispose, matMul, mean, ones, type Scalar, square, type Tensor2D, tidy, variable } from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { fixedBytes } from './fixed-bytes.js'
import { train } from './train.js'

const MEBI = 2 ** 20
const LIMIT = 8 * MEBI

await describeOnSmallGpu('a training', LIMIT, (startAnew) => {
  /** Trains [64, 256] weights; a step holds some KiB for each row of its batch. */
  const run = async (steps: number, rowsOf: (step: number) => number, compiled: boolean) => {
    const weights = tidy(() => variable(ones([64, 256])))
    const losses: number[] = []
    const report: Reporter = (event) => event.kind === 'progress' && losses.push(event.metrics!.loss as number)
    const parameters = { weights }
    try {
      await train({
        parameters,
        steps,
        batch: (step) => ones([rowsOf(step), 64]) as Tensor2D,
        loss: (_step, _part, x: Tensor2D) => mean(square(square(matMul(x, weights as unknown as Tensor2D)))),
        optimizer: adamW(),
        learningRate: () => 1e-3,
        ...(compiled && { compile: { key: () => '' } }),
        report,
      })
      return { losses }
    } catch (error) {
      return { losses, error: error as Error, fixed: fixedBytes(parameters, 2) }
    } finally {
      weights.dispose()
    }
  }
  const expectShort = (error: Error | undefined) => {
    expect(error).toBeInstanceOf(OutOfMemoryError)
    const { shortage } = error as OutOfMemoryError
    expect(shortage.heldBytes).toBeLessThanOrEqual(LIMIT)
    expect(shortage.heldBytes + shortage.bytes).toBeGreaterThan(LIMIT)
  }

  describe.each([false, true])('recorded: %s', (compiled) => {
    test.each([1, 3, 6])('of %d steps ends with what is missing, and reports no loss of a step that was dropped', async (steps) => {
      const { losses, error } = await run(steps, () => 8192, compiled)
      expectShort(error)
      expect(losses).toEqual([])
      const four = ones([4])
      const squares = square(four)
      expect([...(await squares.data())]).toEqual([1, 1, 1, 1])
      dispose([four, squares])
    })

    test('reports the steps before', async () => {
      const { losses, error } = await run(9, (step) => (step < 6 ? 256 : 8192), compiled)
      expectShort(error)
      expect(losses.length).toBeLessThanOrEqual(6)
      for (const loss of losses) expect(loss).toBeGreaterThan(1)
    })

    test.each([10, 19, 40])('leaves %d parameters as they were after the last good step', async (count) => {
      const parameters = Object.fromEntries(Array.from({ length: count }, (_, i) => [`w${i}`, tidy(() => variable(ones([64, 8])))]))
      const valuesNow = () => Promise.all(Object.values(parameters).map(async (each) => Array.from(await each.data())))
      let good: number[][] = []
      const training = train({
        parameters,
        steps: 6,
        batch: (step) => ones([step < 3 ? 64 : 16_384, 64]) as Tensor2D,
        loss: (_step, _part, x: Tensor2D) =>
          Object.values(parameters)
            .map((each) => mean(square(square(matMul(x, each as unknown as Tensor2D)))))
            .reduce((total, next) => add(total, next)) as Scalar,
        optimizer: adamW(),
        learningRate: () => 1e-3,
        ...(compiled && { compile: { key: () => '' } }),
        checkpoint: {
          every: 3,
          save: async () => {
            good = await valuesNow()
          },
        },
      })
      expectShort(await training.catch((error) => error))
      expect(good).toHaveLength(count)
      expect(await valuesNow()).toEqual(good)
      dispose(parameters)
    })

    test('names a batch that fits', async () => {
      const { error, fixed } = await run(1, () => 8192, compiled)
      const named = nameBatch(error, 8192, fixed) as Error
      const batch = Number(named.message.match(/the batch is 8192 images: a batch of (\d+) would fit$/)![1])
      expect(batch).toBeGreaterThan(128)
      await startAnew()
      const again = await run(3, () => batch, compiled)
      expect(again.error).toBeUndefined()
      expect(again.losses).toHaveLength(3)
      for (const loss of again.losses) expect(loss).toBeGreaterThan(1)
    })
  })
})
