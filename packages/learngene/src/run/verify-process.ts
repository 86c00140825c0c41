import { readFile } from 'node:fs/promises'
import { forward, loadModel, openSafetensors } from '@learngene/vit-blocks'
import { tensor4d } from '@tensorflow/tfjs-core'
import { startBackend } from '../start-backend.js'
import { ownRegistry } from './own-values.js'
import type { VerifyRequest } from './verify-extracted.js'

process.once('message', async ({ model, compared, backend, configFile }: VerifyRequest) => {
  await startBackend(backend)
  const registry = await ownRegistry(configFile)
  const { network } = await loadModel(await readFile(model), { name: model, parts: registry })
  const file = await openSafetensors(await readFile(compared), { name: compared })
  const [batch, height, width, channels] = file.tensors.get('images')!.shape as [number, number, number, number]
  const { logits } = forward(network, tensor4d(await file.readFloat32('images'), [batch, height, width, channels]))
  process.send!(Array.from(await logits.data()), () => process.exit(0))
})
