import { OutOfMemoryError } from '@learngene/ops'
import { startBackend } from '@learngene/testing'
import { alone } from '@learngene/training'
import { engine } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { ownWork } from './own-work.js'

const model = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 1, heads: 1, classes: 2 }

test.each([
  ['train', 4],
  ['forward', 1],
] as const)("a full GPU names a batch beside what does not depend on it: %s, %d times the network's bytes", async (what, times) => {
  await startBackend('cpu')
  engine().disposeVariables()
  const work = ownWork({ what, model, batch: 8 }, alone)
  const network = Object.values(engine().registeredVariables).reduce((sum, { size }) => sum + 4 * size, 0)
  const shortage = { heldBytes: times * network + 1e6, bytes: 2e6 }
  const full = () => {
    throw new OutOfMemoryError(shortage)
  }
  // A third of 8 images, of which a quarter is left free.
  await expect(work.run(1, full)).rejects.toThrow(/the batch is 8 images: a batch of 2 would fit$/)
})

test('names none where the network alone fills the GPU', async () => {
  await startBackend('cpu')
  engine().disposeVariables()
  const work = ownWork({ what: 'train', model, batch: 8 }, alone)
  const full = () => {
    throw new OutOfMemoryError({ heldBytes: 1000, bytes: 1e6 })
  }
  await expect(work.run(1, full)).rejects.toThrow(/no batch fits, take a smaller model$/)
})
