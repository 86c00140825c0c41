import { checkImage, type RawImage } from './raw-image.js'

/**
 * The middle `size` x `size` pixels. Where the borders cannot be equal, the place is torchvision's (CenterCrop): half the surplus, halves rounded to even.
 *
 * @throws when the image is smaller than that
 */
export const centreCrop = (image: RawImage, size: number): RawImage => {
  checkImage(image)
  const { data, height, width, channels } = image
  if (!Number.isInteger(size) || size < 1 || size > height || size > width)
    throw new Error(
      `centreCrop: the size must be an integer from 1 to the image's shorter side, ${Math.min(height, width)}, got ${size}; resize the image first`,
    )
  const top = halfToEven(height - size)
  const left = halfToEven(width - size)
  const cropped = new Uint8Array(size * size * channels)
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * width + left) * channels
    cropped.set(data.subarray(start, start + size * channels), y * size * channels)
  }
  return { data: cropped, height: size, width: size, channels }
}

/** n / 2, rounded to nearest, halves to even. */
const halfToEven = (n: number): number => {
  const half = Math.floor(n / 2)
  return n % 2 === 1 && half % 2 === 1 ? half + 1 : half
}
