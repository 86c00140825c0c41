import '@tensorflow/tfjs-backend-cpu'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fill, memory, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readParameters } from './model-file.js'
import { disposeNetwork, type Network, parametersOf } from './network.js'
import { fileSource, loadModelFile, loadViT, saveHuggingFaceFolder, saveModelFile } from './node.js'
import { openSafetensors, SafetensorsError } from './safetensors/index.js'
import { createRng } from './testing/rng.js'
import { tinyConfig } from './testing/tiny.js'
import { createViT } from './vit.js'

type Json = { [key: string]: unknown }

let folder: string
let network: Network
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vit-blocks-'))
  network = createViT(tinyConfig, createRng(0))
})
afterEach(async () => {
  disposeNetwork(network)
  await rm(folder, { recursive: true })
})

it('saves a model to a file and loads it again', async () => {
  const path = join(folder, 'model.safetensors')
  await saveModelFile(path, network, { dtype: 'F16', details: { seed: 0 } })
  const { network: loaded, details } = await loadModelFile(path)
  expect(details).toEqual({ seed: 0 })
  const stored = await openSafetensors(await fileSource(path), { name: path })
  expect(await loaded.head.parameters['head.weight']!.data()).toEqual(await stored.readFloat32('head.weight'))
  disposeNetwork(loaded)
})

it('saves a folder as transformers has it', async () => {
  const path = join(folder, 'new', 'model')
  const details = { normalisation: { mean: [0.5], std: [0.25] }, classNames: ['a', 'b', 'c'] }
  await saveHuggingFaceFolder(path, network, { details })
  expect((await readdir(path)).sort()).toEqual(['config.json', 'model.safetensors', 'preprocessor_config.json'])
  const { network: loaded, details: read } = await loadViT(path)
  expect(read).toEqual(details)
  expect(await readParameters(parametersOf(loaded))).toEqual(await readParameters(parametersOf(network)))
  expect(JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))).toMatchObject({ model_type: 'vit', num_attention_heads: 2 })
  disposeNetwork(loaded)
})

it.each<[string, (config: Json, preprocessor: Json) => void, object, string[]]>([
  ['class names', (config) => Object.assign(config.id2label as object, { 1: 'bee' }), { classNames: ['a', 'bee', 'c'] }, ['class names']],
  [
    'preprocessing',
    (_, preprocessor) => Object.assign(preprocessor, { image_mean: [0.75] }),
    { classNames: ['a', 'b', 'c'], preprocessing: { mean: [0.75], std: [0.25], resize: { shortest: 8 } } },
    ['preprocessing'],
  ],
])('reads a folder whose JSON files were corrected as others read it: %s', async (_, correct, expected, noted) => {
  const path = join(folder, 'corrected')
  await saveHuggingFaceFolder(path, network, { details: { normalisation: { mean: [0.5], std: [0.25] }, classNames: ['a', 'b', 'c'] } })
  const files = ['config.json', 'preprocessor_config.json'].map((file) => join(path, file))
  const [config, preprocessor] = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Json))
  correct(config!, preprocessor!)
  await Promise.all([config, preprocessor].map((json, i) => writeFile(files[i]!, JSON.stringify(json))))
  const { network: loaded, details, notes } = await loadViT(path)
  expect(details).toMatchObject(expected)
  expect(notes).toEqual(
    noted.map((what) => `the JSON files beside the weights state other ${what} than they do themselves: taken from there`),
  )
  disposeNetwork(loaded)
})

it('keeps the old file when the new model cannot be stored', async () => {
  const path = join(folder, 'model.safetensors')
  await saveModelFile(path, network)
  const old = await readFile(path)
  tidy(() => network.head.parameters['head.bias']!.assign(fill([3], Number.NaN)))
  await expect(saveModelFile(path, network)).rejects.toThrow('tensor "head.bias"')
  expect(Buffer.compare(await readFile(path), old)).toBe(0)
  expect(await readdir(folder)).toEqual(['model.safetensors'])
})

it('names the file in errors and leaves nothing allocated', async () => {
  const path = join(folder, 'model.safetensors')
  const before = memory().numTensors
  await expect(loadModelFile(path)).rejects.toThrow(`${path}: cannot be opened: no such file`)
  await saveModelFile(path, network)
  await truncate(path, 1000)
  const error = await loadModelFile(path).catch((error) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error.message.startsWith(`${path}: `)).toBe(true)
  expect(memory().numTensors).toBe(before)
})
