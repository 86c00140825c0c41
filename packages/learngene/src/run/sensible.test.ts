import type { Dataset } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { shapeFor } from './sensible.js'

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
