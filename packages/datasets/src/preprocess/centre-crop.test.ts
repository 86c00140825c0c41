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
  const { data, ...shape } = centreCrop(grid(height, width), [size, size])
  expect(shape).toEqual({ height: size, width: size, channels: 1 })
  expect([...data]).toEqual([first, first + 1, first + 10, first + 11])
})

it('keeps the channels of a pixel together', () => {
  const rgb = { data: Uint8Array.from({ length: 27 }, (_, i) => i), height: 3, width: 3, channels: 3 }
  expect([...centreCrop(rgb, [1, 1]).data]).toEqual([12, 13, 14])
})

it.each([
  ['surplus 3: 1.5 becomes 1', 5, 11],
  ['surplus 7: 3.5 becomes 3', 9, 33],
])('starts where transformers does: %s', (_, side, first) => {
  expect(centreCrop(grid(side, side), [2, 2], { rounding: 'down' }).data[0]).toBe(first)
})

it('pads an image that is smaller, the smaller half before it, and cuts its other side', () => {
  const narrow = { data: Uint8Array.of(1, 2, 3, 4, 5), height: 5, width: 1, channels: 1 }
  expect([...centreCrop(narrow, [3, 4], { fill: [9] }).data]).toEqual([9, 2, 9, 9, 9, 3, 9, 9, 9, 4, 9, 9])
  const pixel = { data: Uint8Array.of(1, 2, 3), height: 1, width: 1, channels: 3 }
  expect([...centreCrop(pixel, [1, 2], { fill: [7, 8, 9] }).data]).toEqual([1, 2, 3, 7, 8, 9])
  expect([...centreCrop(pixel, [2, 1]).data]).toEqual([1, 2, 3, 0, 0, 0])
  expect([...centreCrop(pixel, [2, 1], { rounding: 'down' }).data]).toEqual([0, 0, 0, 1, 2, 3])
  expect([...centreCrop(narrow, [2, 4], { rounding: 'down' }).data]).toEqual([0, 0, 2, 0, 0, 0, 3, 0])
})

it.each([0, 1.5, Number.NaN])('refuses a crop of %s', (size) => {
  expect(() => centreCrop(grid(4, 6), [size, 2])).toThrow(`centreCrop: height and width must be positive integers, got ${size} x 2`)
})
