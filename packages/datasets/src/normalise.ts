/** Mean and standard deviation per channel of pixels scaled to 0..1; see `channelStatistics`. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/**
 * (pixel / 255 - mean) / std, channel by channel, for pixels whose last dimension is the channel. Computed in float64, rounded once to float32.
 * Throws when the pixels are not whole groups of channels, when `mean` and `std` differ in length, or a std is not positive.
 */
export const normalise = (pixels: Uint8Array, { mean, std }: Normalisation): Float32Array => {
  const channels = mean.length
  checkNormalisation({ mean, std })
  if (pixels.length % channels !== 0)
    throw new Error(
      `${channels} means and stds need pixels in groups of ${channels} channels, got ${pixels.length} values; is the image of another kind?`,
    )
  const table = new Float32Array(256 * channels)
  for (let c = 0; c < channels; c++) {
    for (let value = 0; value < 256; value++) table[value * channels + c] = (value / 255 - mean[c]!) / std[c]!
  }
  const normalised = new Float32Array(pixels.length)
  for (let i = 0; i < pixels.length; i += channels) {
    for (let c = 0; c < channels; c++) normalised[i + c] = table[pixels[i + c]! * channels + c]!
  }
  return normalised
}

/** @throws when there is not one finite mean and one positive std per channel */
export function checkNormalisation({ mean, std }: Normalisation): void {
  const channels = mean.length
  if (channels === 0 || std.length !== channels)
    throw new Error(`normalisation needs one mean and one std per channel, got ${channels} and ${std.length}`)
  for (let c = 0; c < channels; c++) {
    if (!Number.isFinite(mean[c])) throw new Error(`the mean of channel ${c} must be a finite number, got ${mean[c]}`)
    if (!(std[c]! > 0 && std[c]! < Infinity))
      throw new Error(`the std of channel ${c} must be a positive number, got ${std[c]}; a channel of one value cannot be scaled`)
  }
}

/** @throws when there is not one mean for each channel of the images */
export const checkChannels = (channels: number, { mean }: Normalisation): void => {
  if (mean.length !== channels) throw new Error(`images of ${channels} channels need ${channels} means and stds, got ${mean.length}`)
}
