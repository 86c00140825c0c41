import '@tensorflow/tfjs-backend-cpu'
import { memory, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type LoadOptions, loadModel, readParameters, saveModel } from '../model-file.js'
import { disposeNetwork, forward, type Network, parametersOf } from '../network.js'
import { relativeError } from '../reference/check-reference.js'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors, SafetensorsError } from '../safetensors/index.js'
import { structureOf } from '../structure.js'
import { createRng } from '../testing/rng.js'
import { scaleParts, tinyConfig } from '../testing/tiny.js'
import { createViT } from '../vit.js'
import { resamplePositions } from './resample-positions.js'
import { goldenFiles, goldenImages, goldenLogits } from './testing/golden.js'
import { memoryFiles } from './testing/memory-files.js'
import type { WeightFiles } from './weight-files.js'

const goldenModels = ['vit', 'deit', 'deit-distilled'] as const
const golden = (model: (typeof goldenModels)[number], changes: { [file: string]: object } = {}): WeightFiles =>
  memoryFiles({ ...goldenFiles(model), ...changes }, model === 'deit-distilled' ? { file: 'model.safetensors.index.json' } : {})
const logitsOf = (network: Network, images: () => Tensor4D) => tidy(() => forward(network, images()).logits.dataSync() as Float32Array)
const vitTensors = async (): Promise<NamedFloatTensor[]> => {
  const file = await openSafetensors(goldenFiles('vit')['model.safetensors']!, { name: 'vit' })
  return Promise.all([...file.tensors].map(async ([name, { shape }]) => ({ name, shape, data: await file.readFloat32(name) })))
}

it.each(goldenModels)('runs a checkpoint of transformers as transformers does: %s', async (model) => {
  const before = memory().numTensors
  const { network, details } = await loadModel(golden(model))
  expect(relativeError(logitsOf(network, goldenImages), goldenLogits[model])).toBeLessThan(1e-5)
  expect(details).toEqual({ classNames: ['ant', 'bee', 'cat'] })
  expect(structureOf(network)).toMatchObject({ epsilon: 1e-12, geometry: { imageSize: 12, patchSize: 4, channels: 2 }, classes: 3 })
  disposeNetwork(network)
  expect(memory().numTensors).toBe(before)
})

it.each(goldenModels)("writes Hugging Face's naming so that it is read again, and holds the tensors of transformers: %s", async (model) => {
  const { network } = await loadModel(golden(model))
  const bytes = await saveModel(network, { naming: 'huggingface', details: { seed: 1 } })
  const written = await openSafetensors(bytes, { name: 'written' })
  const files = Object.entries(goldenFiles(model)).filter(([file]) => file.endsWith('.safetensors'))
  let count = 0
  for (const [file, bytes] of files) {
    const original = await openSafetensors(bytes, { name: file })
    count += original.tensors.size
    for (const [tensor, { shape }] of original.tensors) {
      expect(written.tensors.get(tensor)?.shape, tensor).toEqual(shape)
      expect(await written.readFloat32(tensor), tensor).toEqual(await original.readFloat32(tensor))
    }
  }
  expect([written.tensors.size, written.metadata.format]).toEqual([count, 'pt'])
  const again = await loadModel(bytes)
  expect(again.details).toEqual({ seed: 1 })
  expect(structureOf(again.network)).toEqual(structureOf(network))
  expect(await readParameters(parametersOf(again.network))).toEqual(await readParameters(parametersOf(network)))
  disposeNetwork(network)
  disposeNetwork(again.network)
})

it('corrects a copy of facebook/deit-* and reports it', async () => {
  const halves = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] }
  const { network, details, notes } = await loadModel(golden('vit', { 'preprocessor_config.json': halves }), { origin: 'facebook/deit-x' })
  expect(structureOf(network)).toMatchObject({ epsilon: 1e-6, blocks: [{ config: { epsilon: 1e-6 } }, { config: { epsilon: 1e-6 } }] })
  expect(details.preprocessing).toMatchObject({ size: [12, 12], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
  expect(notes.map((note) => note.split(' ')[0])).toEqual(['layer_norm_eps', 'normalisation'])
  disposeNetwork(network)
  const own = await loadModel(golden('vit'), { origin: 'facebook/deit-x', epsilon: 1e-5 })
  expect(own.network.head.epsilon).toBe(1e-5)
  disposeNetwork(own.network)
})

it('leaves the pooler and the mask token out and says so', async () => {
  const extra = ['pooler.dense.weight', 'pooler.dense.bias', 'embeddings.mask_token'].map((name) => ({
    name: `vit.${name}`,
    shape: [1],
    data: Float32Array.of(0),
  }))
  const { network, notes } = await loadModel(golden('vit', { 'model.safetensors': encodeSafetensors([...(await vitTensors()), ...extra]) }))
  expect(notes).toEqual(
    expect.arrayContaining([
      'the checkpoint also holds the pooler, which classification does not use: left out',
      'the checkpoint also holds the mask token, which only pretraining uses: left out',
    ]),
  )
  disposeNetwork(network)
})

describe('class names', () => {
  const config = JSON.parse(new TextDecoder().decode(goldenFiles('vit')['config.json']!))
  const named = (names: readonly string[]) => golden('vit', { 'config.json': { ...config, id2label: { ...names } } })

  it('of another number than the classes are refused', async () => {
    const before = memory().numTensors
    await expect(loadModel(named(['LABEL_0', 'LABEL_1']))).rejects.toThrow(
      'model: class names must be one non-empty text for each of the 3 classes of the classifier, found 2 (LABEL_0, LABEL_1); correct config.json, or draw a fresh head: { classes, rng }',
    )
    await expect(loadModel(named([...'abcdefg']))).rejects.toThrow(
      '3 classes of the classifier, found 7 (a, b, c, ...); correct config.json',
    )
    expect(memory().numTensors).toBe(before)
  })

  it('do not matter to a fresh head', async () => {
    const { network, details } = await loadModel(named([...'abcdefg']), { classes: 4, rng: createRng(0) })
    expect(details).toEqual({})
    disposeNetwork(network)
  })

  it('are refused on saving, and in files of ours', async () => {
    const network = createViT(tinyConfig, createRng(0))
    const fault = 'class names must be one non-empty text for each of the 3 classes of the classifier, found'
    for (const [classNames, found] of [
      [['a', 'b'], '2 (a, b)'],
      [['a', '', 'c'], '"" for class 1'],
      ['abc', '"abc"'],
    ] as const) {
      await expect(saveModel(network, { details: { classNames } })).rejects.toThrow(`details.classNames: ${fault} ${found}`)
    }
    const bytes = await saveModel(network)
    const file = await openSafetensors(bytes, { name: 'ours' })
    const text = JSON.stringify({ ...JSON.parse(file.metadata.learngene!), details: { classNames: ['a'] } })
    const tensors = await Promise.all(
      [...file.tensors].map(async ([name, { shape }]) => ({ name, shape, data: await file.readFloat32(name) })),
    )
    await expect(loadModel(encodeSafetensors(tensors, { metadata: { learngene: text } }))).rejects.toThrow(
      `model: ${fault} 1 (a); correct its details`,
    )
    disposeNetwork(network)
  })
})

describe('preprocessing', () => {
  const half = { image_mean: [0.5, 0.5], image_std: [0.5, 0.5] }
  const stating = (preprocessor: object) => golden('vit', { 'preprocessor_config.json': { ...half, ...preprocessor } })
  const loaded = async (files: WeightFiles | Uint8Array, options: LoadOptions = {}) => {
    const { network, ...read } = await loadModel(files, options)
    disposeNetwork(network)
    return read
  }

  it('follows the size that is asked for, of a checkpoint and of a file of ours', async () => {
    const squash = stating({ size: { height: 18, width: 18 }, do_center_crop: true, crop_size: 12 })
    expect((await loaded(squash, { imageSize: 20 })).details.preprocessing).toMatchObject({ size: [20, 20], resize: { squash: [30, 30] } })
    const shortest = stating({ image_processor_type: 'BitImageProcessor', size: { shortest_edge: 15 }, crop_size: 12 })
    expect((await loaded(shortest, { imageSize: 20 })).details.preprocessing).toMatchObject({ size: [20, 20], resize: { shortest: 25 } })
    const network = createViT(tinyConfig, createRng(0))
    const preprocessing = { size: [8, 8], crop: 'center', cropPct: 0.9, interpolation: 'bicubic', mean: [0], std: [1] }
    const bytes = await saveModel(network, { details: { preprocessing } })
    expect((await loaded(bytes)).details).toEqual({ preprocessing })
    expect((await loaded(bytes, { imageSize: 12 })).details).toEqual({ preprocessing: { ...preprocessing, size: [12, 12] } })
    disposeNetwork(network)
  })

  it('of another size than the network’s is kept and noted', async () => {
    const { details, notes } = await loaded(stating({ size: 16 }))
    expect(details.preprocessing).toMatchObject({ size: [16, 16] })
    expect(notes).toEqual([
      "the files state a preprocessing to 16 x 16 pixels, the network's images have 12 x 12: load it with { imageSize } to make them one",
    ])
  })

  it('without a size takes the network’s', async () => {
    const timm = await loaded(
      memoryFiles({
        'model.safetensors': await (async () => {
          const network = createViT(tinyConfig, createRng(0))
          const tensors = await readParameters(parametersOf(network))
          disposeNetwork(network)
          return encodeSafetensors(tensors)
        })(),
        'config.json': { architecture: 'vit', model_args: { num_heads: 2 }, pretrained_cfg: { crop_pct: 0.9, mean: [0.5], std: [0.5] } },
      }),
    )
    expect(timm.details.preprocessing).toMatchObject({ size: [8, 8], crop: 'center', cropPct: 0.9 })
  })
})

describe('another image size', () => {
  it.each(goldenModels)('resamples the position embeddings of %s and nothing else', async (model) => {
    const original = await loadModel(golden(model))
    const { network, notes } = await loadModel(golden(model), { imageSize: 20 })
    const before = new Map((await readParameters(parametersOf(original.network))).map(({ name, data }) => [name, data]))
    const leading = model === 'vit' ? 1 : 2
    for (const { name, shape, data } of await readParameters(parametersOf(network))) {
      const expected = name === 'pos_embed' ? resamplePositions(before.get(name)!, 8, { from: 3, to: 5 }, leading) : before.get(name)
      expect(data, name).toEqual(expected)
      if (name === 'pos_embed') expect(shape).toEqual([1, 25 + leading, 8])
    }
    expect(notes.at(-1)).toBe('position embeddings resampled from 3 x 3 to 5 x 5 patches (12 to 20 pixels)')
    expect(logitsOf(network, () => tensor4d(new Float32Array(800), [1, 20, 20, 2])).length).toBe(3)
    disposeNetwork(original.network)
    disposeNetwork(network)
  })

  it('works on files of ours', async () => {
    const network = createViT(tinyConfig, createRng(0))
    const { network: larger } = await loadModel(await saveModel(network), { imageSize: 12 })
    expect(larger.embedding.parameters.pos_embed!.shape).toEqual([1, 10, 6])
    disposeNetwork(network)
    disposeNetwork(larger)
  })

  it.each([
    [3, 'model: geometry: a patch must fit into the image; got images of 3 x 3 and patches of 4 x 4'],
    [-4, "model: config: 'imageSize' must be a positive number; got -4"],
  ])('refuses %d pixels', async (imageSize, message) => {
    const before = memory().numTensors
    await expect(loadModel(golden('vit'), { imageSize })).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})

describe('another number of classes', () => {
  it.each(goldenModels)('draws a fresh head for %s on request only', async (model) => {
    const load = (options: LoadOptions) => loadModel(golden(model), options)
    await expect(load({ classes: 5 })).rejects.toThrow(
      'the checkpoint has a head of 3 classes, so that a head of 5 must be drawn afresh; ask for it by giving its generator: { classes: 5, rng }',
    )
    const original = await load({})
    const { network, details, notes } = await load({ classes: 5, rng: createRng(1) })
    const twin = await load({ classes: 5, rng: createRng(1) })
    const other = await load({ classes: 5, rng: createRng(2) })
    expect(details).toEqual({})
    expect(notes.at(-1)).toBe('a fresh head of 5 classes was drawn; the checkpoint has a head of 3 classes')
    const values = async (network: Network) => new Map((await readParameters(parametersOf(network))).map(({ name, data }) => [name, data]))
    const [before, drawn, again, another] = await Promise.all([original, { network }, twin, other].map(({ network }) => values(network)))
    for (const [name, data] of drawn!) {
      expect(data, name).toEqual(again!.get(name))
      if (!name.startsWith('head')) expect(data, name).toEqual(before!.get(name))
      else if (name.endsWith('bias')) expect([...data]).toEqual([0, 0, 0, 0, 0])
      else {
        expect(data.some((value) => value !== 0)).toBe(true)
        expect(data).not.toEqual(another!.get(name))
      }
    }
    for (const each of [original.network, network, twin.network, other.network]) disposeNetwork(each)
  })

  it('keeps the head where the number is the same, and draws nothing', async () => {
    const { network, details } = await loadModel(golden('vit'), { classes: 3 })
    expect(details).toEqual({ classNames: ['ant', 'bee', 'cat'] })
    expect(relativeError(logitsOf(network, goldenImages), goldenLogits.vit)).toBeLessThan(1e-5)
    disposeNetwork(network)
  })

  it('gives a bare encoder a head on request, and features alone otherwise', async () => {
    const tensors = (await vitTensors())
      .filter(({ name }) => !name.startsWith('classifier'))
      .map((tensor) => ({ ...tensor, name: tensor.name.replace(/^vit\./, '') }))
    const files = golden('vit', { 'model.safetensors': encodeSafetensors(tensors) })
    const bare = await loadModel(files)
    expect([bare.network.head.classes, bare.details]).toEqual([0, {}])
    expect(bare.notes.at(-1)).toBe(
      'the checkpoint has no classifier: the network gives features alone; ask for a fresh head with { classes, rng }',
    )
    disposeNetwork(bare.network)
    const { network } = await loadModel(files, { classes: 2, rng: createRng(0) })
    expect(network.head.classes).toBe(2)
    disposeNetwork(network)
  })
})

describe('a bad checkpoint is refused, naming its own tensors, and nothing stays allocated', () => {
  let tensors: NamedFloatTensor[]
  beforeAll(async () => {
    tensors = await vitTensors()
  })

  async function expectRefusal(files: WeightFiles, message: string) {
    const before = memory().numTensors
    const error = await loadModel(files).then(
      () => expect.fail('was read'),
      (error) => error,
    )
    expect(error).toBeInstanceOf(SafetensorsError)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^model: [^\n]*$/)
    expect(memory().numTensors).toBe(before)
  }
  const key = 'vit.encoder.layer.1.attention.attention.key.weight'
  const changed = (change: (tensor: NamedFloatTensor) => NamedFloatTensor[]) =>
    golden('vit', {
      'model.safetensors': encodeSafetensors(tensors.flatMap((tensor) => (tensor.name === key ? change(tensor) : [tensor]))),
    })

  it.each<[string, (tensor: NamedFloatTensor) => NamedFloatTensor[], string]>([
    ['missing', () => [], `1 missing: "${key}" [8, 8]`],
    ['misshapen', (tensor) => [{ ...tensor, shape: [4, 16] }], `1 of another shape: "${key}" (expected [8, 8], found [4, 16])`],
    ['extra', (tensor) => [tensor, { ...tensor, name: 'vit.extra' }], '1 not expected: "vit.extra" [8, 8]'],
  ])('with a tensor that is %s', async (_, change, message) => {
    await expectRefusal(changed(change), message)
  })

  it('with a value that is not finite', async () => {
    const bytes = goldenFiles('vit')['model.safetensors']!
    const { tensors } = await openSafetensors(bytes, { name: 'vit' })
    new DataView(bytes.buffer, bytes.byteOffset).setFloat32(tensors.get(key)!.begin + 4, Number.NaN, true)
    await expectRefusal(golden('vit', { 'model.safetensors': bytes }), `tensor "${key}": every value must be finite, found NaN at index 1`)
  })

  it('with a configuration of other sizes', async () => {
    const config = JSON.parse(new TextDecoder().decode(goldenFiles('vit')['config.json']))
    await expectRefusal(
      golden('vit', { 'config.json': { ...config, num_hidden_layers: 3 } }),
      'config.json states num_hidden_layers 3, but the tensors have 2; do the files belong together?',
    )
  })
})

it('has no Hugging Face names for blocks of other kinds', async () => {
  const block = () => ({ kind: 'scale', config: { width: 6, gain: 1 } })
  const network = createViT({ ...tinyConfig, block }, createRng(0), scaleParts)
  await expect(saveModel(network, { naming: 'huggingface' })).rejects.toThrow(
    "parameter 'blocks.0.gain' has no name in Hugging Face naming; use timm's",
  )
  disposeNetwork(network)
})
