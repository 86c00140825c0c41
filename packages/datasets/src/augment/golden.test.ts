import type { RawImage } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { bytes, source } from '../preprocess/golden.fixture.js'
import golden from './golden.json' with { type: 'json' }
import { autoContrast, brightness, contrast, equalise, invert, posterise, solarise, solariseAdd } from './lookups.js'
import { type AffineOptions, affine, colour, rotate, sharpness } from './neighbours.js'

const { height, width, scale, fill } = golden

type Operation = (image: RawImage, argument: never, options: AffineOptions) => RawImage
const operations: { readonly [name: string]: Operation } = {
  autoContrast,
  equalise,
  invert,
  posterise,
  solarise,
  solariseAdd,
  colour,
  contrast,
  brightness,
  sharpness,
  rotate,
  affine,
}

const dull = (image: RawImage): RawImage => ({ ...image, data: image.data.map((value) => 60 + (value >> 1)) })

describe(`against ${golden.madeWith}, bit for bit`, () => {
  it.each(golden.entries.map((entry) => [entry.operation, entry.arguments.join(' '), entry.channels, entry] as const))(
    '%s %s of %i channels',
    (operation, _, channels, { of, arguments: given, base64 }) => {
      const whole = source(of === 'large' ? [30, 36, channels] : [height, width, channels], scale)
      const image = of === 'dull' ? dull(whole) : whole
      const before = image.data.slice()
      const [argument, interpolation] = given as [never, 'bilinear' | 'bicubic']
      const changed = operations[operation]!(image, argument, { interpolation, fill })
      expect(changed).toEqual({ ...image, data: bytes(base64) })
      expect(image.data).toEqual(before)
    },
  )
})

it.each([
  ['one row', 1, 5],
  ['one column', 5, 1],
  ['two rows', 2, 4],
  ['one pixel', 1, 1],
])('takes an image of %s', (_, height, width) => {
  const image = { data: Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 37) % 256), height, width, channels: 3 }
  expect(sharpness(image, 1.9)).toEqual(image)
  for (const change of [autoContrast, equalise]) expect(change(image).data).toHaveLength(image.data.length)
  for (const interpolation of ['bilinear', 'bicubic'] as const) {
    expect(affine(image, [1, 0, 0, 0, 1, 0], { interpolation, fill })).toEqual(image)
    expect(affine(image, [1, 0, 9, 0, 1, 0], { interpolation, fill }).data.subarray(0, 3)).toEqual(Uint8Array.from(fill))
  }
})

it('leaves images of one value as they are', () => {
  const flat = { data: new Uint8Array(12).fill(9), height: 2, width: 2, channels: 3 }
  expect([autoContrast(flat), equalise(flat)]).toEqual([flat, flat])
})
