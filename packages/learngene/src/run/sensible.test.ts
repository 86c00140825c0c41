import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, saveModel } from '@learngene/vit-blocks'
import { beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { sensibleConfig, shapeFor } from './sensible.js'

beforeAll(() => startBackend('cpu'))

const pictures = (readable: (index: number) => boolean, length = 20) =>
  ({
    length,
    picture: async (index: number) => {
      if (!readable(index)) throw new Error(`${index}.png: cannot be decoded`)
      return { data: new Uint8Array(24 * 30).fill(index), height: 30, width: 24, channels: 1 }
    },
  }) as unknown as Dataset

it('tells the shape of pictures by those that can be read', async () => {
  const shape = { imageSize: [24, 24], patchSize: 4, channels: 1 }
  expect(await shapeFor(pictures(() => true))).toEqual(shape)
  expect(await shapeFor(pictures((index) => index > 0))).toEqual(shape)
  await expect(shapeFor(pictures(() => false, 3))).rejects.toThrow('0.png: cannot be decoded')
})

it.each([
  [
    'a small ancestor, whose half stays as it was cut',
    96,
    3,
    [
      [12, 5],
      [24, 2, 2e-4],
      [48, 0],
    ],
    [128, 2e-4],
  ],
  [
    'a pretrained one of the usual kinds, all of whose tiers are trained',
    192,
    3,
    [
      [48, 5],
      [96, 5, 5e-4],
      [144, 3, 2e-4],
    ],
    [512, 5e-5],
  ],
  ['one of many heads, of which the narrowest tier has two values each', 32, 8, [[16, 5]], [128, 2e-4]],
] as const)('plans tiers for %s', async (_, width, heads, tiers, [calibrationImages, tuningRate]) => {
  const file = join(await temporaryDirectory(), 'ancestor.safetensors')
  const network = createViT({ imageSize: 8, patchSize: 4, channels: 1, width, depth: 1, heads, classes: 2 }, createRng(0))
  await writeFile(file, await saveModel(network))
  disposeNetwork(network)
  const config = await sensibleConfig(file, { training: pictures(() => true, 6400) }) // 80 batches an epoch
  const planned = config.tiers.map(({ width, epochs, learningRate }) => [
    width,
    epochs,
    ...(learningRate === undefined ? [] : [learningRate]),
  ])
  expect(planned).toEqual(tiers)
  expect(config).toMatchObject({ calibrationImages, fineTuning: { learningRate: tuningRate } })
})
