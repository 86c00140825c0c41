import type { RawImage, Rng } from '@learngene/interfaces'

/** What is changed at random in each picture of a batch, in the order in which it is listed here. */
export interface Augmentation {
  /** Moves by whole pixels, uniform in -shift .. shift, up and down, left and right, with zeros where nothing came from. */
  readonly shift?: number
  /** Probability of mirroring left to right; true is 1/2. */
  readonly flip?: boolean | number
  /** A change of one's own; returns new pixels and leaves the given ones alone. Draws from `rng` only, so that the same step gives the same pixels. */
  readonly custom?: (image: RawImage, rng: Rng) => RawImage
}

/**
 * The augmentation of one picture as a function.
 *
 * @throws where a setting is not possible; the function where a shift can move a picture out of sight
 */
export const augmentOne = ({ shift = 0, flip = false, custom }: Augmentation): ((image: RawImage, rng: Rng) => RawImage) => {
  if (!Number.isInteger(shift) || shift < 0) throw new RangeError(`augment.shift must be an integer of at least 0 pixels, got ${shift}`)
  const mirrored = flip === true ? 0.5 : Number(flip)
  if (!(mirrored >= 0 && mirrored <= 1))
    throw new RangeError(`augment.flip must be true, false or a probability from 0 to 1, got ${String(flip)}`)
  return (image, rng) => {
    let changed = image
    if (mirrored > 0 && rng.uniform() < mirrored) changed = mirror(changed)
    if (shift > 0) changed = shiftBy(changed, shift, rng)
    return custom ? custom(changed, rng) : changed
  }
}

const mirror = (image: RawImage): RawImage => {
  const { width, channels } = image
  const data = new Uint8Array(image.data.length)
  for (let row = 0; row < data.length; row += width * channels) {
    for (let x = 0; x < width; x++) {
      const from = row + (width - 1 - x) * channels
      for (let c = 0; c < channels; c++) data[row + x * channels + c] = image.data[from + c]!
    }
  }
  return { ...image, data }
}

const shiftBy = (image: RawImage, shift: number, rng: Rng): RawImage => {
  const { height, width, channels } = image
  if (shift >= Math.min(height, width))
    throw new RangeError(
      `a shift of ${shift} pixels can move an image of ${height} x ${width} out of sight; use at most ${Math.min(height, width) - 1}`,
    )
  const down = rng.integer(2 * shift + 1) - shift
  const right = rng.integer(2 * shift + 1) - shift
  const data = new Uint8Array(image.data.length)
  const [from, to] = [Math.max(0, -right), Math.min(width, width - right)]
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    const row = (y - down) * width
    data.set(image.data.subarray((row + from) * channels, (row + to) * channels), (y * width + from + right) * channels)
  }
  return { ...image, data }
}
