import { expect, it } from 'vitest'
import type { TensorEntry } from '../safetensors/header.js'
import { huggingFaceNaming } from './naming.js'
import { readNames } from './read-names.js'
import type { TensorFile } from './weight-files.js'

const entry = (dtype: TensorEntry['dtype'] = 'F32'): TensorEntry => ({ dtype, shape: [], begin: 0, end: 0 })
const fileOf = (...names: string[]): TensorFile => fileWith(Object.fromEntries(names.map((name) => [name, entry()])))
const fileWith = (entries: { readonly [name: string]: TensorEntry }): TensorFile => ({
  name: 'file',
  metadata: {},
  tensors: new Map(Object.entries(entries)),
  readFloat32: () => expect.fail('was read'),
})

it('names parameters as Hugging Face does', () => {
  const { tensorsOf } = huggingFaceNaming({ prefix: 'vit.', twoHeads: false })
  expect(tensorsOf('cls_token')).toEqual(['vit.embeddings.cls_token'])
  expect(tensorsOf('patch_embed.proj.bias')).toEqual(['vit.embeddings.patch_embeddings.projection.bias'])
  expect(tensorsOf('blocks.11.attn.qkv.bias')).toEqual(
    ['query', 'key', 'value'].map((part) => `vit.encoder.layer.11.attention.attention.${part}.bias`),
  )
  expect(tensorsOf('blocks.0.attn.proj.weight')).toEqual(['vit.encoder.layer.0.attention.output.dense.weight'])
  expect(tensorsOf('blocks.0.mlp.fc2.weight')).toEqual(['vit.encoder.layer.0.output.dense.weight'])
  expect(tensorsOf('norm.weight')).toEqual(['vit.layernorm.weight'])
  expect(tensorsOf('head.bias')).toEqual(['classifier.bias'])
  for (const unknown of ['head_dist.bias', 'blocks.0.gain', 'blocks.x.norm1.bias', 'reg_token', 'constructor']) {
    expect(tensorsOf(unknown), unknown).toBeUndefined()
  }
  expect(huggingFaceNaming({ prefix: 'deit.', twoHeads: true }).tensorsOf('head_dist.bias')).toEqual(['distillation_classifier.bias'])
})

const qkv = 'blocks.2.attn.qkv.weight'
it.each<[title: string, names: string[], qkv: string[]]>([
  ['timm', ['patch_embed.proj.weight', qkv], [qkv]],
  [
    'Hugging Face',
    ['vit.embeddings.patch_embeddings.projection.weight', 'vit.encoder.layer.2.attention.attention.query.weight', 'classifier.weight'],
    ['query', 'key', 'value'].map((part) => `vit.encoder.layer.2.attention.attention.${part}.weight`),
  ],
  [
    'Hugging Face (transformers 5)',
    ['vit.embeddings.patch_embeddings.projection.weight', 'vit.layers.2.attention.q_proj.weight', 'classifier.weight'],
    ['q', 'k', 'v'].map((part) => `vit.layers.2.attention.${part}_proj.weight`),
  ],
  [
    "Hugging Face's DINOv2",
    ['embeddings.patch_embeddings.projection.weight', 'encoder.layer.2.attention.attention.query.weight', 'encoder.layer.2.norm1.weight'],
    ['query', 'key', 'value'].map((part) => `encoder.layer.2.attention.attention.${part}.weight`),
  ],
  [
    "Hugging Face's CLIP",
    ['vision_model.embeddings.patch_embedding.weight', 'vision_model.encoder.layers.2.self_attn.q_proj.weight'],
    ['q', 'k', 'v'].map((part) => `vision_model.encoder.layers.2.self_attn.${part}_proj.weight`),
  ],
  [
    'OpenCLIP',
    ['visual.conv1.weight', 'visual.transformer.resblocks.0.ln_1.weight', 'visual.transformer.resblocks.2.attn.in_proj_weight'],
    ['visual.transformer.resblocks.2.attn.in_proj_weight'],
  ],
])('recognises the names of %s, also behind prefixes, which it reports', (title, names, expected) => {
  const plain = readNames(fileOf(...names))
  expect([plain.title, plain.tensorsOf(qkv), plain.notes]).toEqual([title, expected, []])
  const wrapped = readNames(fileOf(...names.map((name) => `module.model.${name}`)))
  expect([wrapped.title, wrapped.tensorsOf(qkv)]).toEqual([title, expected.map((name) => `module.model.${name}`)])
  expect(wrapped.notes).toEqual(["the names of the tensors begin with 'module.model.', which was stripped"])
  expect(wrapped.has('head.weight')).toBe(names.includes('classifier.weight'))
})

it('finds a head beside a prefix as well as behind it', () => {
  for (const head of ['head.weight', 'encoder.head.weight']) {
    const named = readNames(fileOf('encoder.patch_embed.proj.weight', 'encoder.blocks.0.norm1.weight', head))
    expect(named.tensorsOf('head.weight')).toEqual([head])
  }
})

it('leaves out what classification does not run, and says what it is', () => {
  const { unused, parameters } = readNames(
    fileWith({
      'vision_model.embeddings.patch_embedding.weight': entry(),
      'vision_model.embeddings.position_ids': entry('I64'),
      'text_model.encoder.layers.0.mlp.fc1.weight': entry(),
      'text_projection.weight': entry(),
      'visual_projection.weight': entry(),
      logit_scale: entry(),
      'vision_model.counts': entry('I32'),
      'vision_model.encoder.layers.0.bn.num_batches_tracked': entry('I64'),
    }),
  )
  expect([...new Set(unused.values())]).toEqual([
    'position ids, which are no weights',
    'the text tower',
    'the projection into the space that images and texts share',
    'tensors of the type I32, which are no weights',
    'counters of batch normalisation, which are no weights',
  ])
  expect([...parameters]).toEqual(['patch_embed.proj.weight'])
})

it('refuses checkpoints of other models, of two models, and of one parameter twice', () => {
  expect(() => readNames(fileOf('bert.pooler.bias', 'b', 'c', 'd'))).toThrow(
    /^file: a ViT checkpoint must hold .* \(timm\), .* \(Hugging Face\), .*; it holds "bert.pooler.bias", "b", "c" and 1 more$/,
  )
  expect(() => readNames(fileOf('conv1.weight', 'layer1.0.conv1.weight'))).toThrow('a ViT checkpoint must hold')
  expect(() => readNames(fileOf('student.patch_embed.proj.weight', 'teacher.patch_embed.proj.weight'))).toThrow(
    'file: must hold one network; it holds "student." and "teacher."',
  )
  expect(() =>
    readNames(fileOf('vit.embeddings.patch_embeddings.projection.weight', 'classifier.weight', 'cls_classifier.weight')),
  ).toThrow(`file: must hold one tensor for 'head.weight'; it holds "classifier.weight" and "cls_classifier.weight"`)
})
