import { expectClose } from '@learngene/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalisePixels, packPixels } from './pixels.js'
import { describeVariants } from './testing/variants.js'

const rgb = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const grey = { mean: [0.3], std: [0.35] }

describeVariants(({ tolerances }) => {
  test('is (pixel / 255 - mean) / std of every channel, for any number of pixels', async () => {
    const side = fc.integer({ min: 1, max: 5 })
    const property = fc.asyncProperty(
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      side,
      side,
      fc.constantFrom(rgb, grey),
      async (values, ...sizes) => {
        const [height, width, normalisation] = sizes
        const shape = [2, height, width, normalisation.mean.length] as const
        const pixels = Uint8Array.from([...values.take(2 * height * width * shape[3])])
        const expected = Array.from(
          pixels,
          (value, i) => (value / 255 - normalisation.mean[i % shape[3]]!) / normalisation.std[i % shape[3]]!,
        )
        const packed = packPixels(pixels)
        const images = normalisePixels(packed, shape, normalisation)
        expect(images.shape).toEqual(shape)
        await expectClose(images, expected, tolerances.float64)
      },
    )
    await fc.assert(property, { numRuns: 15 })
  })

  test('keeps every value of a byte apart, the largest ones among them', async () => {
    const pixels = Uint8Array.from({ length: 256 }, (_, i) => i)
    const images = normalisePixels(packPixels(pixels), [1, 16, 16, 1], { mean: [0], std: [1 / 255] })
    await expectClose(images, Array.from(pixels), 1e-6)
  })

  test('refuses other numbers of pixels and channels', () => {
    const packed = packPixels(new Uint8Array(12))
    expect(() => normalisePixels(packed, [1, 5, 1, 3], rgb)).toThrow('packed must be what packPixels gives for the 15 pixels of [1,5,1,3]')
    expect(() => normalisePixels(packed, [1, 4, 1, 3], grey)).toThrow('one mean and one std for each of 3 channels; got 1 and 1')
  })
})
