import type { RawImage } from '@learngene/interfaces'
import { assert, constantFrom, integer, property, uint8Array } from 'fast-check'
import { expect, it } from 'vitest'
import { interpolations, resizeImage } from './resize.js'

const shape = { height: integer({ min: 1, max: 12 }), width: integer({ min: 1, max: 12 }) }
const image = integer({ min: 1, max: 3 }).chain((channels) =>
  shape.height.chain((height) =>
    shape.width.chain((width) => {
      const length = height * width * channels
      return uint8Array({ minLength: length, maxLength: length }).map((data) => ({ data, height, width, channels }))
    }),
  ),
)

it('keeps an image of the same size, and leaves the original alone', () => {
  assert(
    property(image, constantFrom(...interpolations), (original, interpolation) => {
      const before = original.data.slice()
      const same = resizeImage(original, original, interpolation)
      expect(same).toEqual(original)
      expect(same.data).not.toBe(original.data)
      resizeImage(original, { height: 3, width: 5 }, interpolation)
      expect(original.data).toEqual(before)
    }),
  )
})

it('keeps one colour at every size', () => {
  assert(
    property(
      integer({ min: 0, max: 255 }),
      shape.height,
      shape.width,
      shape.height,
      shape.width,
      constantFrom(...interpolations),
      (value, height, width, toHeight, toWidth, interpolation) => {
        const flat = { data: new Uint8Array(height * width).fill(value), height, width, channels: 1 }
        expect(resizeImage(flat, { height: toHeight, width: toWidth }, interpolation).data.every((pixel) => pixel === value)).toBe(true)
      },
    ),
  )
})

it('resizes each channel by itself', () => {
  assert(
    property(image, shape.height, shape.width, (original, height, width) => {
      const { data, channels } = original
      const together = resizeImage(original, { height, width }, 'lanczos').data
      for (let c = 0; c < channels; c++) {
        const channel = { ...original, channels: 1, data: data.filter((_, i) => i % channels === c) }
        expect(together.filter((_, i) => i % channels === c)).toEqual(resizeImage(channel, { height, width }, 'lanczos').data)
      }
    }),
  )
})

it('commutes with mirroring but for the rounding of the pass between', () => {
  assert(
    property(image, constantFrom(2, 4, 7, 13), (original, width) => {
      const mirrored = (x: RawImage): RawImage => {
        const data = new Uint8Array(x.data.length)
        for (let i = 0; i < data.length; i++) {
          const [row, column, c] = [Math.floor(i / (x.width * x.channels)), Math.floor(i / x.channels) % x.width, i % x.channels]
          data[i] = x.data[(row * x.width + x.width - 1 - column) * x.channels + c]!
        }
        return { ...x, data }
      }
      const size = { height: original.height, width }
      const a = resizeImage(mirrored(original), size, 'bicubic').data
      const b = mirrored(resizeImage(original, size, 'bicubic')).data
      expect(a.every((value, i) => Math.abs(value - b[i]!) <= 1)).toBe(true)
    }),
  )
})

const grey = { data: new Uint8Array(6), height: 2, width: 3, channels: 1 }

it.each([
  [{ ...grey, channels: 3 }, { height: 2, width: 2 }, 'an image of 2 x 3 x 3 needs 18 values, got 6'],
  [{ ...grey, height: 0 }, { height: 2, width: 2 }, 'positive integers for height, width and channels, got 0 x 3 x 1'],
  [{ ...grey, width: 1.5, height: 4 }, { height: 2, width: 2 }, 'got 4 x 1.5 x 1'],
  [grey, { height: 2, width: 0 }, 'the new width must be a positive integer, got 0'],
  [grey, { height: Number.NaN, width: 1 }, 'the new height must be a positive integer, got NaN'],
])('refuses %o to %o', (image, size, message) => {
  expect(() => resizeImage(image, size, 'bicubic')).toThrow(message)
})

it('refuses filters that it does not have', () => {
  expect(() => resizeImage(grey, { height: 1, width: 1 }, 'box' as never)).toThrow(
    'resizeImage: the interpolation must be one of nearest, bilinear, bicubic, lanczos, got box',
  )
})
