import { expect, it } from 'vitest'
import type { TensorEntry } from '../safetensors/tensor-entry.js'
import { huggingFaceNaming, namingOf, timmNaming } from './naming.js'

const fileOf = (...names: string[]) => {
  const entry: TensorEntry = { dtype: 'F32', shape: [], begin: 0, end: 0 }
  return { name: 'file', metadata: {}, tensors: new Map(names.map((name) => [name, entry])), readFloat32: () => expect.fail('was read') }
}

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
  for (const unknown of ['head_dist.bias', 'blocks.0.gain', 'blocks.0.attn.qkv', 'blocks.x.norm1.bias', 'constructor']) {
    expect(tensorsOf(unknown), unknown).toBeUndefined()
  }
  expect(huggingFaceNaming({ prefix: 'deit.', twoHeads: true }).tensorsOf('head_dist.bias')).toEqual(['distillation_classifier.bias'])
})

it('recognises namings', () => {
  expect(namingOf(fileOf('patch_embed.proj.weight'))).toBe(timmNaming)
  const tensor = 'embeddings.patch_embeddings.projection.weight'
  for (const prefix of ['vit.', 'deit.', '']) {
    expect(namingOf(fileOf(`${prefix}${tensor}`)).tensorsOf('cls_token')).toEqual([`${prefix}embeddings.cls_token`])
  }
  expect(namingOf(fileOf(`deit.${tensor}`, 'cls_classifier.weight')).tensorsOf('head.weight')).toEqual(['cls_classifier.weight'])
})

it('refuses checkpoints of other models, saying what they hold', () => {
  expect(() => namingOf(fileOf('bert.pooler.bias', 'b', 'c', 'd'))).toThrow(
    /^file: a ViT checkpoint must hold .* \(timm\) or .* \(Hugging Face\); it holds "bert.pooler.bias", "b", "c" and 1 more$/,
  )
  expect(() => namingOf(fileOf())).toThrow('it holds no tensors')
})
