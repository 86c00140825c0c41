import type { RawImage } from '@learngene/interfaces'

/**
 * A colour image as grey, as `convert('L')` of Pillow: (19595 R + 38470 G + 7471 B + 32768) >> 16, which leaves grey pixels as they are.
 *
 * @returns uint8 pixels [height, width, 1]; the image itself where it has one channel
 * @throws when the image has neither one channel nor three
 */
export const grey = (image: RawImage): RawImage => {
  const { data, height, width, channels } = image
  if (channels === 1) return image
  if (channels !== 3) throw new Error(`only images of 1 or 3 channels can be made grey, got ${channels}`)
  const values = new Uint8Array(height * width)
  for (let i = 0; i < values.length; i++) {
    values[i] = (19595 * data[3 * i]! + 38470 * data[3 * i + 1]! + 7471 * data[3 * i + 2]! + 32768) >> 16
  }
  return { data: values, height, width, channels: 1 }
}
