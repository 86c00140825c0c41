import type { Rng } from '@learngene/interfaces'
import { type BatchShape, checkPixels } from './batch-shape.js'

/** Changes the pixels of a batch [B, h, w, c]; returns new pixels of the same shape and leaves the given ones alone. */
export type Augmentation = (pixels: Uint8Array, shape: BatchShape) => Uint8Array

export interface ShiftAndFlipOptions {
  /** Largest shift in pixels, up and down, left and right. */
  readonly shift: number
  /** Whether half of the images are mirrored left to right. */
  readonly flip: boolean
}

/**
 * Shifts every image by whole pixels, uniform in -shift .. shift in both directions, with zeros where nothing came from, and mirrors
 * it with probability 1/2 where asked to. Draws from `rng` in the order of the images: the same seed gives the same pixels.
 * Throws when `shift` is not an integer from 0 to one less than the shorter side, or when the shape does not fit the pixels.
 */
export const shiftAndFlip = ({ shift, flip }: ShiftAndFlipOptions, rng: Rng): Augmentation => {
  if (!Number.isInteger(shift) || shift < 0) throw new RangeError(`shift must be an integer of at least 0 pixels, got ${shift}`)
  return (pixels, shape) => {
    checkPixels(pixels, shape)
    const [count, height, width, channels] = shape
    const size = height * width * channels
    if (shift >= Math.min(height, width))
      throw new RangeError(
        `a shift of ${shift} pixels can move an image of ${height} x ${width} out of sight; use at most ${Math.min(height, width) - 1}`,
      )
    const augmented = new Uint8Array(pixels.length)
    for (let image = 0; image < count; image++) {
      const down = rng.integer(2 * shift + 1) - shift
      const right = rng.integer(2 * shift + 1) - shift
      const mirrored = flip && rng.uniform() < 0.5
      for (let y = Math.max(0, down); y < height + Math.min(0, down); y++) {
        const fromRow = image * size + (y - down) * width * channels
        const toRow = image * size + y * width * channels
        for (let x = Math.max(0, right); x < width + Math.min(0, right); x++) {
          const fromColumn = mirrored ? width - 1 - (x - right) : x - right
          for (let c = 0; c < channels; c++) augmented[toRow + x * channels + c] = pixels[fromRow + fromColumn * channels + c]!
        }
      }
    }
    return augmented
  }
}
