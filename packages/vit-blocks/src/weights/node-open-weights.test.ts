import '@tensorflow/tfjs-backend-cpu'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { memory, tidy } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { disposeNetwork, forward } from '../network.js'
import { loadViT } from '../node.js'
import { relativeError } from '../reference/check-reference.js'
import { openWeights } from './node-open-weights.js'
import { goldenFolder, goldenImages, goldenLogits } from './testing/golden.js'

it.each([
  ['a folder', 'vit', ''],
  ['a file', 'vit', 'model.safetensors'],
  ['a folder of shards', 'deit-distilled', ''],
  ['an index', 'deit-distilled', 'model.safetensors.index.json'],
] as const)('loads a model from %s', async (_, model, file) => {
  const path = join(goldenFolder(model), file)
  for (const spec of [path, pathToFileURL(path)]) {
    const { network, details } = await loadViT(spec)
    tidy(() => {
      const { logits } = forward(network, goldenImages())
      expect(relativeError(logits.dataSync(), goldenLogits[model])).toBeLessThan(1e-5)
    })
    expect(details.classNames).toEqual(['ant', 'bee', 'cat'])
    disposeNetwork(network)
  }
})

it('reads a file of another name alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weights-'))
  await copyFile(join(goldenFolder('vit'), 'model.safetensors'), join(folder, 'other.safetensors'))
  await copyFile(join(goldenFolder('vit'), 'config.json'), join(folder, 'config.json'))
  const { network, details } = await loadViT(join(folder, 'other.safetensors'), { heads: 2 })
  expect([details, network.head.epsilon]).toEqual([{}, 1e-6])
  disposeNetwork(network)
  await rm(folder, { recursive: true })
})

it('says what is missing', async () => {
  const before = memory().numTensors
  await expect(openWeights('/none/x.safetensors')).rejects.toThrow('/none/x.safetensors: there is no such file')
  await expect(openWeights(import.meta.dirname)).rejects.toThrow(
    `${import.meta.dirname}: must hold model.safetensors or model.safetensors.index.json or open_clip_model.safetensors; it holds none of them`,
  )
  await expect(openWeights('facebook/deit-tiny')).rejects.toThrow(
    /no such file; a model of the Hugging Face hub is named 'hf:facebook\/deit-tiny'$/,
  )
  await expect(openWeights('none/x.safetensors')).rejects.toThrow(/no such file$/)
  await expect(loadViT('hf:deit')).rejects.toThrow("got 'hf:deit'")
  expect(memory().numTensors).toBe(before)
})
