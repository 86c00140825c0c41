import '@tensorflow/tfjs-backend-cpu'
import { dispose, memory, mul, setBackend, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { costOf } from '../cost.js'
import { type LoadOptions, loadModel, saveModel } from '../model-file.js'
import { disposeNetwork, forward, type Network, parametersOf } from '../network.js'
import { constant } from '../parameters.js'
import { relativeError } from '../reference/check-reference.js'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors } from '../safetensors/index.js'
import { createRng } from '../testing/rng.js'
import { tinyConfig } from '../testing/tiny.js'
import { createViT } from '../vit.js'
import { filesOf, type LibraryModel, readLibraryModels } from './testing/library.js'
import { memoryFiles } from './testing/memory-files.js'

const models = await readLibraryModels()
const model = (name: string): LibraryModel => models.find((each) => each.name === name)!
const load = (name: string, changes: Parameters<typeof filesOf>[1] = {}, options: LoadOptions = {}) =>
  loadModel(filesOf(model(name), changes), { ...model(name).options, ...options })
const renamed = (name: string, rename: (tensor: string) => string) =>
  model(name).tensors.map((tensor): NamedFloatTensor => ({ ...tensor, name: rename(tensor.name) }))
const pooledOf = (network: Network, { images }: LibraryModel) =>
  tidy(() => forward(network, images(), { features: ['pooled'] }).features.pooled!.dataSync() as Float32Array)

beforeAll(async () => {
  await setBackend('cpu')
})

it.each(models)('$name: a file of ours keeps what it is, and its prefix is stripped with a note', async ({ name }) => {
  const before = memory().numTensors
  const plain = await load(name)
  const again = await loadModel(await saveModel(plain.network))
  const wrapped = await load(name, { tensors: renamed(name, (tensor) => `module.model.${tensor}`) })
  for (const { network } of [again, wrapped]) expect(relativeError(pooledOf(network, model(name)), model(name).pooled)).toBeLessThan(1e-5)
  expect(wrapped.notes).toContain("the names of the tensors begin with 'module.model.', which was stripped")
  expect(costOf(again.network)).toEqual(costOf(plain.network))
  for (const { network } of [plain, again, wrapped]) disposeNetwork(network)
  expect(memory().numTensors).toBe(before)
})

it('tells what was left out of towers with texts, of pretraining, and of poolings that are not used', async () => {
  for (const [name, ...left] of [
    ['clip', 'the text tower', 'the projection into the space that images and texts share'],
    ['openclip', 'the text tower', 'the projection into the space that images and texts share'],
    ['siglip', 'the text tower'],
    ['siglip-classifier', 'attention pooling, which its classifier does not use'],
    ['mae', 'the decoder, which only pretraining uses'],
    ['vit-bare', 'the pooler, which classification does not use'],
    ['dinov2', 'the mask token, which only pretraining uses'],
  ] as const) {
    const { network, notes } = await load(name)
    for (const what of left) expect(notes, name).toContain(`the checkpoint also holds ${what}: left out`)
    disposeNetwork(network)
  }
  const { network, notes } = await load('timm-no-biases')
  expect(notes).toContain('the checkpoint has no attn.qkv.bias, attn.proj.bias, mlp.fc1.bias, mlp.fc2.bias: zero')
  disposeNetwork(network)
})

it('reads SigLIP of OpenCLIP, whose tower is one of timm', async () => {
  const siglip = model('timm-siglip')
  const files = memoryFiles(
    {
      'open_clip_model.safetensors': encodeSafetensors([
        ...renamed('timm-siglip', (tensor) => `visual.trunk.${tensor}`),
        { name: 'text.token_embedding.weight', shape: [1], data: Float32Array.of(1) },
        { name: 'logit_scale', shape: [], data: Float32Array.of(1) },
      ]),
      'open_clip_config.json': {
        model_cfg: {
          embed_dim: 32,
          custom_text: true,
          vision_cfg: { image_size: 32, timm_model_name: 'vit_base_patch16_siglip_224', timm_pool: 'map', timm_proj: 'none' },
          text_cfg: {},
        },
        preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bicubic', resize_mode: 'squash', mode: 'RGB' },
      },
    },
    { file: 'open_clip_model.safetensors' },
  )
  const { network, details } = await loadModel(files, { heads: 4 })
  expect(relativeError(pooledOf(network, siglip), siglip.pooled)).toBeLessThan(1e-5)
  expect(details.preprocessing).toMatchObject({ size: [32, 32], crop: 'squash', cropPct: 1, interpolation: 'bicubic' })
  disposeNetwork(network)
})

it('knows the classes that TimmWrapperModel states and leaves out, and the two words of a FlexiViT', async () => {
  const { json } = model('timm-mae')
  const config = { ...json['config.json'], num_classes: 3, model_type: 'timm_wrapper' }
  const wrapper = (architectures: string[]) => load('timm-mae', { config: { ...config, architectures } })
  const { network } = await wrapper(['TimmWrapperModel'])
  expect(network.head.classes).toBe(0)
  await expect(wrapper(['TimmWrapperForImageClassification'])).rejects.toThrow('config.json states num_classes 3, but the tensors have 0')
  const flexible = await load('timm-flexivit')
  expect(flexible.notes.filter((note) => note.includes('assumed'))).toEqual([])
  for (const each of [network, flexible.network]) disposeNetwork(each)
})

it('gives a tower a fresh head on request, and takes one away', async () => {
  const fresh = await load('clip', {}, { classes: 4, rng: createRng(1) })
  expect([fresh.network.head.classes, fresh.network.head.pooledWidth]).toEqual([4, 32])
  expect(relativeError(pooledOf(fresh.network, model('clip')), model('clip').pooled)).toBeLessThan(1e-5)
  const bare = await load('dinov2-classifier', {}, { classes: 0 })
  expect([bare.network.head.classes, bare.details.classNames]).toEqual([0, undefined])
  expect(bare.notes).toContain('a head of 3 classes was left out: the network gives features alone')
  const images = model('clip').images()
  const { logits } = forward(bare.network, images)
  expect(logits.shape).toEqual([2, 0])
  dispose([images, logits])
  for (const { network } of [fresh, bare]) disposeNetwork(network)
})

describe('refuses, saying what it met and what is missing', () => {
  it.each<[string, string, { tensors?: (tensors: readonly NamedFloatTensor[]) => readonly NamedFloatTensor[]; config?: object }, string]>([
    [
      'one block without LayerScale',
      'timm-deit3',
      { tensors: (all) => all.filter(({ name }) => name !== 'blocks.1.ls1.gamma') },
      '1 missing: "blocks.1.ls1.gamma" [32]',
    ],
    [
      'one block without biases',
      'timm-vit',
      { tensors: (all) => all.filter(({ name }) => name !== 'blocks.1.attn.qkv.bias') },
      '1 missing: "blocks.1.attn.qkv.bias" [96]',
    ],
    [
      'no final layer norm',
      'timm-vit',
      { tensors: (all) => all.filter(({ name }) => !name.startsWith('norm.')) },
      '2 missing: "norm.weight" [32], "norm.bias" [32]',
    ],
    ['no positions', 'timm-vit', { tensors: (all) => all.filter(({ name }) => name !== 'pos_embed') }, "must hold 'pos_embed'"],
    [
      'norms of queries',
      'timm-vit',
      { tensors: (all) => [...all, { name: 'blocks.0.attn.q_norm.weight', shape: [8], data: new Float32Array(8) }] },
      '1 not expected: "blocks.0.attn.q_norm.weight" [8]',
    ],
    [
      'gated perceptrons',
      'timm-vit',
      { tensors: (all) => all.map((t) => (/fc2\.weight$/.test(t.name) ? { ...t, shape: [32, 64], data: new Float32Array(2048) } : t)) },
      'the perceptrons are gated (SwiGLU: 128 values made, 64 used)',
    ],
    [
      'blocks of another kind',
      'timm-vit',
      { tensors: (all) => all.map((t) => ({ ...t, name: t.name.replace('.mlp.fc1.', '.mlp.fc1_g.') })) },
      "blocks of a ViT in timm naming must hold 'blocks.0.mlp.fc1.weight'; these hold ",
    ],
    [
      'a layer norm behind attention pooling',
      'timm-map',
      {
        tensors: (all) => [
          ...all,
          ...['weight', 'bias'].map((part) => ({ name: `fc_norm.${part}`, shape: [32], data: new Float32Array(32) })),
        ],
      },
      "a layer norm after pooling goes with the pooling 'average'; got 'attention'",
    ],
    [
      'a classifier of CLIP',
      'clip',
      { tensors: (all) => [...all, { name: 'classifier.weight', shape: [2, 32], data: new Float32Array(64) }] },
      'the classifier of CLIPForImageClassification reads tokens that no layer norm has seen',
    ],
    [
      'a post-norm architecture',
      'timm-vit',
      { config: { architecture: 'vit_base_patch16_rpn_224', model_args: { num_heads: 4 } } },
      "found 'vit_base_patch16_rpn_224': its layer norms follow attention and MLP",
    ],
    [
      'another number of patches',
      'vit',
      { config: { ...model('vit').json['config.json'], image_size: 24 } },
      "'vit.embeddings.position_embeddings' must hold 1 + or 3 x 3 positions for images of 24 x 24, as config.json states",
    ],
    [
      'an unknown statement',
      'vit',
      { config: { ...model('vit').json['config.json'], rope_theta: 100 } },
      "rope_theta is not understood and may change the outputs, found 100; if it does not, say so: { ignoreConfig: ['rope_theta'] }",
    ],
  ])('%s', async (_, name, { tensors, config }, message) => {
    const before = memory().numTensors
    await expect(load(name, { ...(tensors && { tensors: tensors(model(name).tensors) }), ...(config && { config }) })).rejects.toThrow(
      message,
    )
    expect(memory().numTensors).toBe(before)
  })

  it('but takes the word of the caller for statements that change nothing, and notes architectures that it does not know', async () => {
    const { network } = await load(
      'vit',
      { config: { ...model('vit').json['config.json'], rope_theta: 100 } },
      { ignoreConfig: ['rope_theta'] },
    )
    disposeNetwork(network)
    const own = await load('timm-vit', { config: { ...model('timm-vit').json['config.json'], architecture: 'vit_of_my_own' } })
    expect(own.notes[0]).toBe(
      "config.json states the architecture 'vit_of_my_own', which is not known here (of, my, own): read as a plain ViT, whose layer norms precede attention and MLP",
    )
    disposeNetwork(own.network)
  })
})

describe('files of ours', () => {
  it('may have blocks whose parameters are called as what others leave out', async () => {
    const text = () => {
      const parameters = { 'text.decoder_gain': constant(2, [6]) }
      const forward = (x: Tensor3D) => mul(x, parameters['text.decoder_gain']) as Tensor3D
      return { kind: 'text', config: {}, inputWidth: 6, outputWidth: 6, parameters, macs: () => 0, liveFloats: () => 0, forward }
    }
    const network = createViT({ ...tinyConfig, block: () => ({ kind: 'text', config: {} }) }, createRng(0), { blocks: { text } })
    const { network: loaded } = await loadModel(await saveModel(network), { parts: { blocks: { text } } })
    expect(parametersOf(loaded)['blocks.2.text.decoder_gain']!.dataSync()).toEqual(new Float32Array(6).fill(2))
    disposeNetwork(network)
    disposeNetwork(loaded)
  })

  it.each([
    ['biases', /attn\.qkv\.bias$/, '2 missing: "blocks.0.attn.qkv.bias" [96], "blocks.1.attn.qkv.bias" [96]'],
    ['positions of prefix tokens', /^$/, '1 of another shape: "pos_embed" (expected [1, 17, 32], found [1, 16, 32])'],
  ])('must hold %s', async (_, left, message) => {
    const { network } = await load('timm-deit3')
    const file = await openSafetensors(await saveModel(network), { name: 'own' })
    const kept = [...file.tensors].filter(([name]) => !left.test(name))
    const tensors = await Promise.all(kept.map(async ([name, { shape }]) => ({ name, shape, data: await file.readFloat32(name) })))
    const shorter = tensors.map((tensor) =>
      left.source === '^$' && tensor.name === 'pos_embed' ? { ...tensor, shape: [1, 16, 32], data: tensor.data.slice(32) } : tensor,
    )
    await expect(loadModel(encodeSafetensors(shorter, { metadata: file.metadata }))).rejects.toThrow(message)
    disposeNetwork(network)
  })
})
