import { expect, it } from 'vitest'
import type { Size } from '../geometry.js'
import { SafetensorsError, type SafetensorsFile } from '../safetensors/index.js'
import { openReference } from '../safetensors/testing/reference.js'
import distilledShapes from '../testing/reference/timm-deit-distilled-shapes.json' with { type: 'json' }
import deitShapes from '../testing/reference/timm-deit-shapes.json' with { type: 'json' }
import { deit, vitStructure } from '../vit.js'
import { type ConfigHints, inferStructure } from './infer-structure.js'
import { readNames } from './read-names.js'

type Shapes = { readonly [name: string]: readonly number[] }

const infer = (file: SafetensorsFile, ...rest: [hints?: ConfigHints, wanted?: Size]) => inferStructure(file, readNames(file), ...rest)
const structureIn = (shapes: object) => infer(fileOf(shapes as Shapes)).structure

function fileOf(shapes: Shapes): SafetensorsFile {
  const tensors = new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32' as const, shape, begin: 0, end: 0 }]))
  return { name: 'file', tensors, metadata: {} } as unknown as SafetensorsFile
}

it.each(['tiny', 'small', 'base'] as const)('finds the structure of DeiT-%s', (size) => {
  expect(structureIn(deitShapes[size])).toEqual(vitStructure(deit[size]))
})

it('finds the structure of distilled DeiT-Ti', () => {
  const structure = structureIn(distilledShapes)
  expect(structure).toEqual(vitStructure({ ...deit.tiny, distilled: true }))
  expect(structure).toMatchObject({ distillationToken: true, distillationHead: true })
})

it('finds bare encoders to have no classes', () => {
  const { 'head.weight': _, 'head.bias': __, ...shapes } = deitShapes.tiny
  expect(structureIn(shapes)).toEqual({ ...vitStructure(deit.tiny), classes: 0 })
})

it('names the tensor as the file would', () => {
  const shapes = { 'model.vit.embeddings.patch_embeddings.projection.weight': [192, 3, 16, 16] }
  expect(() => structureIn(shapes)).toThrow(
    "file: a ViT checkpoint in Hugging Face naming must hold 'model.vit.embeddings.position_embeddings'; it does not",
  )
})

it('takes heads and epsilon from the caller', async () => {
  const half = await openReference('timm-vit-fp16')
  const { structure, notes } = infer(half, { heads: 4, epsilon: 1e-12 })
  expect(structure.blocks[0]!.config).toMatchObject({ heads: 4, epsilon: 1e-12 })
  expect(structure.epsilon).toBe(1e-12)
  expect(notes).toEqual([
    'the files do not tell, so were assumed: the activation gelu, images of 32 x 32; say otherwise with { activation, imageSize }',
  ])
})

it.each<[string, object, string]>([
  [
    'a flat patch embedding',
    { 'patch_embed.proj.weight': [192, 768] },
    "file: 'patch_embed.proj.weight' must have 4 dimensions; got [192, 768]",
  ],
  [
    'a number of tokens that is no square',
    { pos_embed: [1, 198, 192] },
    "file: 'pos_embed' must hold 1 + or a square number of positions where no config.json tells the image size; got 198",
  ],
  ['no positions', { pos_embed: [1, 3, 192] }, 'got 3'],
  ['no width', { 'patch_embed.proj.weight': [0, 3, 16, 16] }, 'must have no dimension of 0; got [0, 3, 16, 16]'],
  [
    'too few positions for its distillation token',
    { dist_token: [1, 1, 192] },
    "file: 'pos_embed' must hold 2 + or a square number of positions where no config.json tells the image size; got 197",
  ],
  ['the width of ViT-H', { 'patch_embed.proj.weight': [1280, 3, 14, 14] }, 'got width 1280'],
  [
    'a width that tells no heads',
    { 'patch_embed.proj.weight': [100, 3, 16, 16] },
    'file: give the number of heads, { heads }: it is inferred, as D / 64, only where 64 divides D and D is at most 1024; got width 100',
  ],
])('refuses a file with %s', (_, change, message) => {
  const shapes = Object.fromEntries(Object.entries({ ...deitShapes.tiny, ...change }).filter(([, shape]) => shape)) as Shapes
  expect(() => structureIn(shapes)).toThrow(SafetensorsError)
  expect(() => structureIn(shapes)).toThrow(message)
})
