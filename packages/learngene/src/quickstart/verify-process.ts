import { readFile } from 'node:fs/promises'
import { imageSource, type Normalisation } from '@learngene/datasets'
import { loadFashionMnist } from '@learngene/datasets/node'
import { loadTest } from '@learngene/fashion-mnist'
import { forward, loadModel } from '@learngene/vit-blocks'
import { startBackend } from '../start-backend.js'
import type { VerifyRequest } from './verify-extracted.js'

process.once('message', async ({ model, backend, dataDir, images }: VerifyRequest) => {
  await startBackend(backend)
  const test = dataDir ? (await loadFashionMnist(dataDir)).test : await loadTest()
  const { network, details } = await loadModel(await readFile(model), { name: model })
  const source = imageSource(test, details.normalisation as unknown as Normalisation)
  const batch = await source.batch(Uint32Array.from({ length: images }, (_, i) => i))
  const { logits } = forward(network, batch.images)
  process.send!(Array.from(await logits.data()), () => process.exit(0))
})
