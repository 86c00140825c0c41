import '@tensorflow/tfjs-backend-cpu'
import { memory } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { SafetensorsError } from '../safetensors/index.js'
import { referenceBytes } from '../safetensors/testing/reference.js'
import { changedReference, type ReferenceChanges } from '../testing/changed-reference.js'
import { readReference, referenceConfig } from './read-reference.js'

describe('readReference', () => {
  it('reads every tensor of a reference into its group', async () => {
    const { structure, images, labels, parameters, expected } = await readReference(referenceBytes('timm-vit-golden'), 'golden')
    expect(structure.blocks).toHaveLength(3)
    expect(images.shape).toEqual([2, 3, 32, 32])
    expect(labels).toHaveLength(2)
    expect(parameters.size).toBe(44)
    expect([...expected.gradients.keys()].sort()).toEqual([...parameters.keys()].sort())
    expect([...expected.adamw.keys()].sort()).toEqual([...parameters.keys()].sort())
    expect([...expected.outputs.keys()].sort()).toEqual(
      [
        'blocks.0',
        'blocks.0.attn',
        'blocks.1',
        'blocks.1.attn',
        'blocks.2',
        'blocks.2.attn',
        'logits',
        'loss',
        'norm',
        'patch_embed',
      ].sort(),
    )
  })

  const set = (tensor: string, index: number, value: number): ReferenceChanges => ({
    values: (name, data) => {
      if (name === tensor) data[index] = value
    },
  })

  it.each<[what: string, changes: ReferenceChanges, message: string | RegExp]>([
    ['a missing output', { entry: (name, entry) => (name === 'out/norm' ? undefined : entry) }, '1 missing: "out/norm" [2, 17, 48]'],
    ['a missing gradient', { entry: (name, entry) => (name === 'grad/head.bias' ? undefined : entry) }, '1 missing: "grad/head.bias" [10]'],
    ['no images', { entry: (name, entry) => (name === 'in/images' ? undefined : entry) }, /missing: "in\/images" \[1, 3, 32, 32\]/],
    ['no labels', { entry: (name, entry) => (name === 'in/labels' ? undefined : entry) }, '1 missing: "in/labels" [2]'],
    [
      'a misshapen parameter',
      { entry: (name, entry) => (name === 'param/head.weight' ? { ...entry, shape: [48, 10] } : entry) },
      '1 of another shape: "param/head.weight" (expected [10, 48], found [48, 10])',
    ],
    [
      'a gradient that is not finite',
      set('grad/norm.bias', 3, Number.NaN),
      'tensor "grad/norm.bias": every value must be finite, found NaN at index 3',
    ],
    ['an infinite image', set('in/images', 0, Number.POSITIVE_INFINITY), 'tensor "in/images": every value must be finite, found Infinity'],
    [
      'an impossible label',
      set('in/labels', 1, 10),
      'tensor "in/labels": every label must be an integer from 0 to 9, found 10 (I32) at index 1',
    ],
    [
      'a block more than the config says',
      { metadata: (metadata) => ({ ...metadata, config: metadata.config!.replace('"depth": 3', '"depth": 2') }) },
      '38 not expected: "adamw3/blocks.2.attn.proj.bias" [48]',
    ],
  ])('refuses %s, naming it', async (_, changes, message) => {
    const before = memory().numTensors
    const error = await readReference(changedReference(changes), 'changed').catch((error) => error)
    expect(error).toBeInstanceOf(SafetensorsError)
    expect(error.message).toMatch(/^changed: /)
    expect(error.message).toMatch(message)
    expect(memory().numTensors).toBe(before)
  })

  it('refuses a truncated file and one with a byte more', async () => {
    const bytes = referenceBytes('timm-vit-golden')
    for (const wrong of [bytes.subarray(0, -1), bytes.subarray(0, 100), Buffer.concat([bytes, Buffer.of(0)])]) {
      await expect(readReference(wrong, 'cut')).rejects.toThrow(SafetensorsError)
    }
  })
})

describe('referenceConfig', () => {
  const config = { img_size: 32, patch_size: 8, embed_dim: 48, depth: 3, num_heads: 3, num_classes: 10 }

  const read = (text: string | undefined) =>
    referenceConfig({
      name: 'file',
      metadata: text === undefined ? {} : { config: text },
      tensors: new Map([1, 2, 3, 4].map((i) => [`${i}`, {} as never])),
    })

  it("reads the arguments of timm's VisionTransformer, with its defaults", () => {
    expect(read(JSON.stringify(config))).toEqual({
      imageSize: 32,
      patchSize: 8,
      channels: 3,
      width: 48,
      depth: 3,
      heads: 3,
      classes: 10,
      mlpRatio: 4,
    })
    const more = { ...config, in_chans: 1, mlp_ratio: 2.5, qkv_bias: true, class_token: true, global_pool: 'token' }
    expect(read(JSON.stringify(more))).toMatchObject({ channels: 1, mlpRatio: 2.5 })
  })

  it.each([
    [undefined, 'a reference must describe its network'],
    ['{"img_size":', 'JSON'],
    ['[]', 'it must be a JSON object; got []'],
    [JSON.stringify({ ...config, depth: undefined }), "'depth' must be a positive number; got nothing"],
    [JSON.stringify({ ...config, depth: 2.5 }), "'depth' must be a positive integer; got 2.5"],
    [JSON.stringify({ ...config, depth: 1e6 }), "'depth' must be at most the number of the file's tensors, 4; got 1000000"],
    [JSON.stringify({ ...config, img_size: [32, 32] }), "'img_size' must be a positive number; got [32,32]"],
    [JSON.stringify({ ...config, reg_tokens: 4 }), 'got "reg_tokens"'],
    [JSON.stringify({ ...config, global_pool: 'avg' }), `'global_pool' must be "token", which is all that is checked; got "avg"`],
  ])('refuses %s', (text, message) => {
    expect(() => read(text)).toThrow(SafetensorsError)
    expect(() => read(text)).toThrow(/^file: metadata 'config': /)
    expect(() => read(text)).toThrow(message)
  })
})
