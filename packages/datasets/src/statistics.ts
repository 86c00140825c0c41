import type { Dataset } from '@learngene/interfaces/tensors'
import { range } from './indices.js'
import type { Normalisation } from './normalise.js'

const chunk = 256

/**
 * Mean and population standard deviation per channel of all pixels, scaled to 0..1. Counts how often each value occurs, so that the
 * sums are of 256 float64 terms whatever the number of images.
 * Throws when the dataset is empty.
 */
export const channelStatistics = (dataset: Dataset): Normalisation => {
  if (dataset.length === 0) throw new Error(`${dataset.name}: channel statistics need at least 1 image, got 0`)
  const [height, width, channels] = dataset.imageShape
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  for (let start = 0; start < dataset.length; start += chunk) {
    const pixels = dataset.images(range(Math.min(chunk, dataset.length - start)).map((i) => start + i))
    for (let i = 0; i < pixels.length; i++) counts[i % channels]![pixels[i]!]!++
  }
  const total = dataset.length * height * width
  const mean = counts.map((count) => count.reduce((sum, times, value) => sum + times * value, 0) / total / 255)
  const std = counts.map((count, c) =>
    Math.sqrt(count.reduce((sum, times, value) => sum + times * (value / 255 - mean[c]!) ** 2, 0) / total),
  )
  return { mean, std }
}
