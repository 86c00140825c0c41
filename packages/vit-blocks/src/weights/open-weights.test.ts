import '@tensorflow/tfjs-backend-cpu'
import { sendBytes, startServer, type TestServer } from '@learngene/testing/server'
import { tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { disposeNetwork, forward } from '../network.js'
import { relativeError } from '../reference/check-reference.js'
import { loadViT, openWeights } from './open-weights.js'
import { goldenFiles, goldenImages, goldenLogits } from './testing/golden.js'

const preprocessor = new TextEncoder().encode('{"image_mean":[0.5,0.5],"image_std":[0.5,0.5]}')
const contents = new Map<string, Uint8Array>()
for (const model of ['vit', 'deit-distilled'] as const) {
  for (const [file, bytes] of Object.entries(goldenFiles(model))) contents.set(`/${model}/${file}`, bytes)
}
contents.set('/vit/preprocessor_config.json', preprocessor)
contents.set('/vit/other.safetensors', contents.get('/vit/model.safetensors')!)
for (const [file, bytes] of [...contents].filter(([file]) => file.startsWith('/vit/'))) {
  contents.set(`/facebook/deit-copy/resolve/main${file.slice(4)}`, bytes)
}

let server: TestServer
beforeEach(async () => {
  server = await startServer((request, response) => {
    const bytes = contents.get(new URL(request.url!, 'http://x').pathname)
    if (bytes) sendBytes(request, response, bytes)
    else response.writeHead(404).end()
  })
})
afterEach(() => server.close())

it.each([
  ['a folder', '/vit/', 'vit'],
  ['a file', '/vit/model.safetensors?download=true', 'vit'],
  ['a folder of shards', '/deit-distilled/', 'deit-distilled'],
  ['an index', '/deit-distilled/model.safetensors.index.json', 'deit-distilled'],
] as const)('loads a model from %s on a server', async (_, path, model) => {
  const { network, details } = await loadViT(server.url + path)
  tidy(() => {
    const { logits } = forward(network, goldenImages())
    expect(relativeError(logits.dataSync(), goldenLogits[model])).toBeLessThan(1e-5)
  })
  expect(details.classNames).toEqual(['ant', 'bee', 'cat'])
  const { mean, std } = (details.preprocessing ?? {}) as { mean?: number[]; std?: number[] }
  expect([mean, std]).toEqual(
    model === 'vit'
      ? [
          [0.5, 0.5],
          [0.5, 0.5],
        ]
      : [undefined, undefined],
  )
  disposeNetwork(network)
})

it('asks for each file once, and for no configuration beside a file of another name', async () => {
  const folder = await loadViT(new URL('/vit/', server.url))
  expect(server.requests.map((request) => request.split(' ')[1])).toEqual([
    '/vit/model.safetensors',
    '/vit/config.json',
    '/vit/preprocessor_config.json',
  ])
  disposeNetwork(folder.network)
  server.requests.length = 0
  const single = await loadViT(`${server.url}/vit/other.safetensors`, { heads: 2, epsilon: 1e-12 })
  expect(server.requests).toHaveLength(1)
  expect(single.details).toEqual({})
  disposeNetwork(single.network)
})

it('reads the hub by ranges, without a cache', async () => {
  const { network, details, notes } = await loadViT('hf:facebook/deit-copy', { hubUrl: server.url })
  expect(server.requests[0]).toMatch(/^GET \/facebook\/deit-copy\/resolve\/main\/model\.safetensors /)
  expect(network.head.epsilon).toBe(1e-6)
  expect(details.preprocessing).toMatchObject({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
  expect(notes).toHaveLength(2)
  disposeNetwork(network)
})

it('says what is missing', async () => {
  await expect(openWeights(`${server.url}/none/`)).rejects.toThrow(
    `${server.url}/none/: must hold model.safetensors or model.safetensors.index.json or open_clip_model.safetensors; it holds none of them`,
  )
  await expect(openWeights(`${server.url}/vit/x.safetensors`)).rejects.toThrow(`${server.url}/vit/x.safetensors: there is no such file`)
  await expect(openWeights('hf:a/b', { hubUrl: server.url })).rejects.toThrow('hf:a/b@main: must hold model.safetensors or')
  await expect(openWeights('model.safetensors')).rejects.toThrow(
    "'model.safetensors' is a path: import openWeights or loadViT from '@learngene/vit-blocks/node' to read files, in Node",
  )
})
