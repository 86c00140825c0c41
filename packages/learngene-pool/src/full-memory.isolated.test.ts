import { OutOfMemoryError } from '@learngene/ops'
import { describeOnSmallGpu } from '@learngene/testing'
import { disposeNetwork } from '@learngene/vit-blocks'
import { expect, test } from 'vitest'
import { accuracies } from './evaluate.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

await describeOnSmallGpu('an evaluation', 8 * 2 ** 20, (startAnew) => {
  const evaluate = async (images: number, batchSize: number) => {
    const ancestor = tinyAncestor()
    const scores = await accuracies([ancestor], tinyImages(images), { batchSize }).catch((error: Error) => error)
    disposeNetwork(ancestor)
    return scores
  }

  test.each([
    ['one batch', 1],
    ['recorded batches', 6],
  ])('%s: names a batch that fits', async (_, batches) => {
    const error = await evaluate(batches * 8192, 8192)
    expect(error).toBeInstanceOf(OutOfMemoryError)
    const batch = Number((error as Error).message.match(/the batch is 8192 images: a batch of (\d+) would fit$/)![1])
    expect(batch).toBeGreaterThan(32)
    await startAnew()
    expect(await evaluate(batches * batch, batch)).toHaveLength(1)
  })
})
