import type { RawImage } from '@learngene/interfaces'
import { grey } from './grey.js'

/**
 * A picture in the channels that a network takes: colours become grey as `convert('L')` of Pillow makes them, grey becomes three equal channels, and alpha is dropped.
 *
 * @param image of 1 to 4 channels: grey or RGB, with alpha or without
 * @param channels 1 or 3; a picture that has so many is given back as it is
 */
export const inChannels = (image: RawImage, channels: number): RawImage => {
  if (image.channels === channels) return image
  if (channels !== 1 && channels !== 3) throw new Error(`pictures can be brought to 1 or 3 channels, got ${image.channels} for ${channels}`)
  if (image.channels <= 2) return choose(image, channels === 1 ? [0] : [0, 0, 0])
  const opaque = image.channels === 4 ? choose(image, [0, 1, 2]) : image
  return channels === 1 ? grey(opaque) : opaque
}

/** The named channels of a picture, one after the other. */
const choose = ({ data, height, width, channels }: RawImage, from: readonly number[]): RawImage => {
  const values = new Uint8Array(height * width * from.length)
  for (let pixel = 0, to = 0; pixel < height * width; pixel++) {
    for (const channel of from) values[to++] = data[pixel * channels + channel]!
  }
  return { data: values, height, width, channels: from.length }
}
