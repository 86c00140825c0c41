import type { RawImage } from '@learngene/interfaces'
import { grey } from '../preprocess/grey.js'

/** Operations that map each value by a table, as `ImageOps` of Pillow computes them, bit for bit. They return new pixels. */

/** Stretches each channel from its darkest and brightest value to 0..255; a channel of one value stays as it is. */
export const autoContrast = (image: RawImage): RawImage =>
  perChannel(image, (counts) => {
    const lowest = counts.findIndex((count) => count > 0)
    const highest = counts.findLastIndex((count) => count > 0)
    if (highest <= lowest) return unchanged
    const scale = 255 / (highest - lowest)
    const offset = -lowest * scale
    return (value) => Math.trunc(value * scale + offset)
  })

/** Spreads the values of each channel so that all occur about as often. */
export const equalise = (image: RawImage): RawImage =>
  perChannel(image, (counts) => {
    const all = counts.reduce((sum, count) => sum + count)
    const highest = counts.findLastIndex((count) => count > 0)
    const step = Math.floor((all - counts[highest]!) / 255)
    if (step === 0) return unchanged
    let below = Math.floor(step / 2)
    const table = Array.from(counts, (count) => {
      const value = Math.floor(below / step)
      below += count
      return value
    })
    return (value) => table[value]!
  })

export const invert = (image: RawImage): RawImage => throughTable(image, (value) => 255 - value)

/** Keeps the upper bits of each value; with 0 the image is black, from 8 it stays as it is. */
export const posterise = (image: RawImage, bits: number): RawImage =>
  bits >= 8 ? image : throughTable(image, (value) => value & ~(2 ** (8 - bits) - 1))

/** Inverts the values from a threshold on. */
export const solarise = (image: RawImage, threshold: number): RawImage =>
  throughTable(image, (value) => (value < threshold ? value : 255 - value))

/** Adds to the values below 128, to at most 255. */
export const solariseAdd = (image: RawImage, added: number): RawImage =>
  throughTable(image, (value) => (value < 128 ? Math.min(255, value + added) : value))

/** Towards black (0) or away from it (above 1). */
export const brightness = (image: RawImage, factor: number): RawImage =>
  throughTable(
    image,
    blender(factor, () => 0),
  )

/** Towards the mean grey of the image (0) or away from it (above 1). */
export const contrast = (image: RawImage, factor: number): RawImage => {
  const values = grey(image).data
  const mean = Math.trunc(values.reduce((sum, value) => sum + value, 0) / values.length + 0.5)
  return throughTable(
    image,
    blender(factor, () => mean),
  )
}

/** A value on the line from another (factor 0) through itself (1), in float32 and cut off as Pillow's `Image.blend` computes it. */
export const blend = (other: number, value: number, alpha: number): number => {
  const blended = Math.fround(other + Math.fround(alpha * (value - other)))
  return blended <= 0 ? 0 : blended >= 255 ? 255 : Math.trunc(blended)
}

const blender = (factor: number, other: () => number) => {
  const alpha = Math.fround(factor)
  return (value: number): number => blend(other(), value, alpha)
}

const unchanged = (value: number): number => value

const throughTable = (image: RawImage, change: (value: number) => number): RawImage => perChannel(image, () => change)

/** Maps each channel by a function of how often its values occur. Values beyond 0..255 are clipped. */
const perChannel = (image: RawImage, changeBy: (counts: Uint32Array) => (value: number) => number): RawImage => {
  const { data, channels } = image
  const changed = new Uint8Array(data.length)
  for (let c = 0; c < channels; c++) {
    const counts = new Uint32Array(256)
    for (let i = c; i < data.length; i += channels) counts[data[i]!]!++
    const change = changeBy(counts)
    const table = Uint8ClampedArray.from(counts, (_, value) => change(value))
    for (let i = c; i < data.length; i += channels) changed[i] = table[data[i]!]!
  }
  return { ...image, data: changed }
}
