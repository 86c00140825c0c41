import type { Dataset, RawImage } from '@learngene/interfaces'
import { eachPicture } from './each-picture.js'
import { range } from './indices.js'
import type { Normalisation } from './normalise.js'

/**
 * Mean and population standard deviation per channel of all pixels, scaled to 0..1. Counts how often each value occurs, so that the
 * sums are of 256 float64 terms whatever the number of pictures. Pictures may differ in size, and larger ones then weigh more.
 * Rejects when the dataset is empty, or pictures differ in their channels, naming one.
 */
export const channelStatistics = async (dataset: Dataset, signal?: AbortSignal): Promise<Normalisation> => {
  if (dataset.length === 0) throw new Error(`${dataset.name}: channel statistics need at least 1 image, got 0`)
  const { channels } = await dataset.picture(0, signal)
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  const count = (image: RawImage, index: number): void => {
    if (image.channels !== channels)
      throw new Error(
        `channel statistics need pictures of as many channels: ${dataset.nameOf(0)} has ${channels}, ${dataset.nameOf(index)} has ${image.channels}`,
      )
    for (let c = 0; c < channels; c++) {
      const ofChannel = counts[c]!
      for (let i = c; i < image.data.length; i += channels) ofChannel[image.data[i]!]!++
    }
  }
  await eachPicture(dataset, range(dataset.length), count, { signal })
  const total = counts[0]!.reduce((sum, times) => sum + times, 0)
  const mean = counts.map((ofChannel) => ofChannel.reduce((sum, times, value) => sum + times * value, 0) / total / 255)
  const std = counts.map((ofChannel, c) =>
    Math.sqrt(ofChannel.reduce((sum, times, value) => sum + times * (value / 255 - mean[c]!) ** 2, 0) / total),
  )
  return { mean, std }
}
