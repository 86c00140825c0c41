import { describe, expect, it } from 'vitest'
import { normalise } from './normalise.js'

const rgb = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

describe('normalise', () => {
  it('is (pixel / 255 - mean) / std of every channel, rounded once', () => {
    const pixels = Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3))
    const expected = Array.from(pixels, (value, i) => Math.fround((value / 255 - rgb.mean[i % 3]!) / rgb.std[i % 3]!))
    expect([...normalise(pixels, rgb)]).toEqual(expected)
  })

  it.each([
    [{ mean: [0.5], std: [0.5, 0.5] }, 'one mean and one std per channel, got 1 and 2'],
    [{ mean: [], std: [] }, 'got 0 and 0'],
    [{ mean: [0, 0, 0, 0], std: [1, 1, 1, 1] }, '4 means and stds need pixels in groups of 4 channels, got 3 values'],
    [{ mean: [0.5], std: [0] }, 'the std of channel 0 must be a positive number, got 0'],
    [{ mean: [0.5], std: [Number.NaN] }, 'got NaN'],
    [{ mean: [Number.NaN], std: [1] }, 'the mean of channel 0 must be a finite number, got NaN'],
  ])('refuses %o', (normalisation, message) => {
    expect(() => normalise(Uint8Array.of(1, 2, 3), normalisation)).toThrow(message)
  })
})
