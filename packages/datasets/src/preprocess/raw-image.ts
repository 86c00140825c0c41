import type { RawImage } from '@learngene/interfaces'

/** Throws unless height, width and channels are positive integers that make as many values as there are. */
export const checkImage = ({ data, height, width, channels }: RawImage): void => {
  if (![height, width, channels].every((size) => Number.isInteger(size) && size > 0))
    throw new Error(`an image needs positive integers for height, width and channels, got ${height} x ${width} x ${channels}`)
  if (data.length !== height * width * channels)
    throw new Error(
      `an image of ${height} x ${width} x ${channels} needs ${height * width * channels} values, got ${data.length}; are height, width and channels those of the decoder?`,
    )
}
