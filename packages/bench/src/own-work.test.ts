import { type MemoryShortage, OutOfMemoryError } from '@learngene/ops'
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
  const shortage = { heldBytes: times * network + network / 10, bytes: network / 5 }
  const full = (shortage: MemoryShortage) => () => {
    throw new OutOfMemoryError(shortage)
  }
  // A third of 8 images, of which a quarter is left free.
  await expect(work.run(1, full(shortage))).rejects.toThrow(/the batch is 8 images: a batch of 2 would fit$/)
  const fuller = { ...shortage, heldBytes: times * network }
  await expect(work.run(1, full(fuller))).rejects.toThrow(/no batch fits, take a smaller model$/)
})
