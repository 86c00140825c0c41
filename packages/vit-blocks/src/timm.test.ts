import { expect, it } from 'vitest'
import type { SafetensorsFile } from './safetensors/index.js'
import { SafetensorsError } from './safetensors/index.js'
import { openReference } from './safetensors/testing/reference.js'
import deitShapes from './testing/reference/timm-deit-shapes.json' with { type: 'json' }
import { inferTimmStructure } from './timm.js'
import { deit, vitStructure } from './vit.js'

type Shapes = { readonly [name: string]: readonly number[] }

function fileOf(shapes: Shapes): SafetensorsFile {
  const tensors = new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32' as const, shape, begin: 0, end: 0 }]))
  return { name: 'file', tensors, metadata: {} } as unknown as SafetensorsFile
}

it.each(['tiny', 'small', 'base'] as const)('finds the structure of DeiT-%s', (size) => {
  expect(inferTimmStructure(fileOf(deitShapes[size] as Shapes))).toEqual(vitStructure(deit[size]))
})

it('takes heads and epsilon from the caller', async () => {
  const half = await openReference('timm-vit-fp16')
  const structure = inferTimmStructure(half, { heads: 4, epsilon: 1e-12 })
  expect(structure.blocks[0]!.config).toMatchObject({ heads: 4, epsilon: 1e-12 })
  expect(structure.epsilon).toBe(1e-12)
})

it.each<[string, object, string]>([
  [
    'no patch embedding',
    { 'patch_embed.proj.weight': undefined },
    "file: a ViT checkpoint in timm's naming must hold 'patch_embed.proj.weight'; it does not",
  ],
  ['no head', { 'head.weight': undefined }, "file: a ViT checkpoint in timm's naming must hold 'head.weight'; it does not"],
  [
    'a flat patch embedding',
    { 'patch_embed.proj.weight': [192, 768] },
    "file: 'patch_embed.proj.weight' must have 4 dimensions; got [192, 768]",
  ],
  [
    'a number of tokens that is no square',
    { pos_embed: [1, 198, 192] },
    "file: 'pos_embed' must hold 1 + a square number of positions; got 198",
  ],
  [
    'a width that tells no heads',
    { 'patch_embed.proj.weight': [100, 3, 16, 16] },
    'file: give the number of heads, { heads }: the width 100 is no multiple of 64 to infer it from',
  ],
])('refuses a file with %s', (_, change, message) => {
  const shapes = Object.fromEntries(Object.entries({ ...deitShapes.tiny, ...change }).filter(([, shape]) => shape)) as Shapes
  expect(() => inferTimmStructure(fileOf(shapes))).toThrow(SafetensorsError)
  expect(() => inferTimmStructure(fileOf(shapes))).toThrow(message)
})
