import { OutOfMemoryError } from '@learngene/ops'
import { createRng } from '@learngene/training'
import { dispose, engine, ones, tidy, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { trainByPlan } from './training-plan.js'

/** Trains 1000 of all values there are by batches of 8 images in two parts, until the GPU is full. */
async function fill(full: (allBytes: number) => OutOfMemoryError, averageDecay?: number): Promise<unknown> {
  const weights = tidy(() => variable(ones([1000])))
  const allBytes = Object.values(engine().registeredVariables).reduce((sum, { size }) => sum + 4 * size, 0)
  const source = {
    length: 8,
    batch: async (indices: ArrayLike<number>) => ({ images: ones([indices.length, 2, 2, 1]), labels: Array.from(indices, () => 0) }),
  }
  const training = {
    parameters: { weights },
    source: source as never,
    watched: () => [],
    lesson: () => undefined,
    loss: () => {
      throw full(allBytes)
    },
  }
  try {
    return await trainByPlan({ epochs: 1, batchSize: 8, learningRate: 1, accumulate: 2, averageDecay }, training, createRng(0)).then(
      () => undefined,
      (error) => error,
    )
  } finally {
    dispose(weights)
  }
}

test.each([
  ['variables, gradients and two moments', undefined, 12_000],
  ['averages of the weights too', 0.9, 16_000],
])('a full GPU names a part of a batch beside what does not depend on it: %s', async (_, averageDecay, trainedBytes) => {
  const full = (allBytes: number) => new OutOfMemoryError({ heldBytes: allBytes + trainedBytes + 2000, bytes: 2000 })
  expect(await fill(full, averageDecay)).toMatchObject({ message: expect.stringMatching(/the batch is 4 images: a batch of 1 would fit$/) })
  const fuller = (allBytes: number) => new OutOfMemoryError({ heldBytes: allBytes + trainedBytes, bytes: 2000 })
  expect(await fill(fuller, averageDecay)).toMatchObject({ message: expect.stringMatching(/no batch fits, take a smaller model$/) })
})
