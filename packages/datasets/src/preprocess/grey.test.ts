import { expect, it } from 'vitest'
import { grey } from './grey.js'

it('weighs the channels as Pillow does', () => {
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30, 255, 255, 255, 0, 0, 0)
  // Image.fromarray(pixels).convert('L') by its formula, ITU-R 601-2 in 16 bits.
  expect(grey({ data, height: 2, width: 3, channels: 3 })).toEqual({
    data: Uint8Array.of(76, 150, 29, 124, 255, 0),
    height: 2,
    width: 3,
    channels: 1,
  })
})

it('leaves what is grey as it is', () => {
  const values = Uint8Array.from({ length: 256 }, (_, i) => i)
  const data = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3))
  expect(grey({ data, height: 16, width: 16, channels: 3 }).data).toEqual(values)
  const image = { data: values, height: 16, width: 16, channels: 1 }
  expect(grey(image)).toBe(image)
})

it('refuses other numbers of channels', () => {
  expect(() => grey({ data: new Uint8Array(4), height: 1, width: 1, channels: 4 })).toThrow(
    'only images of 1 or 3 channels can be made grey, got 4',
  )
})
