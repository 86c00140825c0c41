import { expect, it } from 'vitest'
import { centreCrop } from './centre-crop.js'

/** Pixels that say where they are: 10 x row + column. */
const grid = (height: number, width: number) => ({
  data: Uint8Array.from({ length: height * width }, (_, i) => 10 * Math.floor(i / width) + (i % width)),
  height,
  width,
  channels: 1,
})

it.each([
  ['even surplus', 4, 6, 2, 12],
  ['surplus 1: 0.5 becomes 0', 3, 3, 2, 0],
  ['surplus 3: 1.5 becomes 2', 5, 5, 2, 22],
  ['surplus 5: 2.5 becomes 2', 7, 7, 2, 22],
  ['surplus 7: 3.5 becomes 4', 9, 9, 2, 44],
  ['no surplus', 2, 5, 2, 2],
])('starts where torchvision does: %s', (_, height, width, size, first) => {
  const { data, ...shape } = centreCrop(grid(height, width), size)
  expect(shape).toEqual({ height: size, width: size, channels: 1 })
  expect([...data]).toEqual([first, first + 1, first + 10, first + 11])
})

it('keeps the channels of a pixel together', () => {
  const rgb = { data: Uint8Array.from({ length: 27 }, (_, i) => i), height: 3, width: 3, channels: 3 }
  expect([...centreCrop(rgb, 1).data]).toEqual([12, 13, 14])
})

it.each([0, 1.5, 5, Number.NaN])('refuses a crop of %s from 4 x 6', (size) => {
  expect(() => centreCrop(grid(4, 6), size)).toThrow(`an integer from 1 to the image's shorter side, 4, got ${size}`)
})
