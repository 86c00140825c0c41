import { useBackend } from '@learngene/backends'
import { OutOfMemoryError } from '@learngene/ops'
import { limitGpuMemory } from '@learngene/testing'
import { disposeNetwork } from '@learngene/vit-blocks'
import { engine } from '@tensorflow/tfjs-core'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { accuracies } from './evaluate.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const missing = await useBackend('webgpu').then(
  () => '',
  (error: Error) => ` (${error.message})`,
)

describe.skipIf(missing !== '')(`an evaluation on a GPU of 8 MiB${missing}`, () => {
  const restore = missing === '' ? limitGpuMemory(8 * 2 ** 20) : () => {}
  afterAll(restore)
  /** Nothing is held on another device. */
  const startAnew = async () => {
    const { device } = engine().backend as unknown as { device: GPUDevice }
    device.destroy()
    await device.lost
    await useBackend('webgpu')
  }
  beforeEach(startAnew)

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
