import type { RawImage } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { arrayDataset } from './array-dataset.js'
import { testRng } from './rng.fixture.js'
import { channelStatistics } from './statistics.js'
import { subset } from './subset.js'

const noise = (length: number, channels: number) => {
  const rng = testRng(length)
  return arrayDataset({
    name: 'noise',
    imageShape: [3, 2, channels],
    classes: ['a'],
    pixels: Uint8Array.from({ length: length * 6 * channels }, (_, i) => rng.integer(i % channels === 0 ? 256 : 20)),
    labels: new Uint8Array(length),
  })
}

describe('channelStatistics', () => {
  it('is the mean and the population standard deviation of each channel', async () => {
    const { mean, std } = await channelStatistics(
      arrayDataset({
        name: 'tiny',
        imageShape: [1, 1, 2],
        classes: ['a'],
        pixels: Uint8Array.of(0, 51, 255, 51),
        labels: Uint8Array.of(0, 0),
      }),
    )
    expect(mean).toEqual([0.5, 0.2])
    expect(std[0]).toBeCloseTo(0.5, 15)
    expect(std[1]).toBeCloseTo(0, 15)
  })

  it('equals two passes over all pixels, whether pictures are at hand or take time', async () => {
    const dataset = noise(600, 2)
    const pixels = Array.from({ length: 600 }, (_, i) => [...(dataset.picture(i) as RawImage).data]).flat()
    const later = { ...dataset, picture: async (index: number) => dataset.picture(index) }
    const { mean, std } = await channelStatistics(dataset)
    expect(await channelStatistics(later)).toEqual({ mean, std })
    for (const c of [0, 1]) {
      const values = pixels.filter((_, i) => i % 2 === c).map((value) => value / 255)
      const expected = values.reduce((sum, value) => sum + value, 0) / values.length
      expect(mean[c]).toBeCloseTo(expected, 12)
      expect(std[c]).toBeCloseTo(Math.sqrt(values.reduce((sum, value) => sum + (value - expected) ** 2, 0) / values.length), 12)
    }
  })

  it('refuses an empty dataset and pictures of other channels', async () => {
    await expect(channelStatistics(subset(noise(2, 1), []))).rejects.toThrow('noise: channel statistics need at least 1 image, got 0')
    const mixed = { ...noise(2, 1), picture: (index: number) => noise(2, 1 + index).picture(0) }
    await expect(channelStatistics(mixed)).rejects.toThrow('image 0 of noise has 1, image 1 of noise has 2')
  })
})
