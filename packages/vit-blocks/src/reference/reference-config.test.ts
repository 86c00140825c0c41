import { expect, it } from 'vitest'
import { SafetensorsError } from '../safetensors/index.js'
import { referenceConfig } from './reference-config.js'

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
