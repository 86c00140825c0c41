import type { Rng } from '@learngene/interfaces'
import { roundHalfToEven } from '../preprocess/centre-crop.js'
import { checkKeys, checkRange } from './check-settings.js'

export interface ErasingSettings {
  /** That a picture has anything erased. Default 0.25. */
  readonly probability?: number
  /** What takes the place: 'const' 0, 'rand' one normal value per channel of a part, 'pixel' a normal value for each. Default 'pixel'. */
  readonly mode?: 'const' | 'rand' | 'pixel'
  /** Parts of a picture at most; their number is drawn from 1, and each is that many times smaller. Default 1. */
  readonly count?: number
  /** Least and largest share of the picture's area. Default [0.02, 1/3]. */
  readonly area?: readonly [least: number, largest: number]
  /** Least height / width of a part; the largest is its reciprocal. Default 0.3. */
  readonly ratio?: number
}

/** Erases in place one picture of normalised pixels [height, width, channels]. */
export type Eraser = (pixels: Float32Array, shape: readonly [height: number, width: number, channels: number], rng: Rng) => void

/**
 * Random erasing (arXiv 1708.04896) as timm defines it, of pixels that are normalised: 0 is the mean colour.
 *
 * @throws where a setting is not possible
 */
export const erasing = (settings: ErasingSettings): Eraser => {
  const { probability = 0.25, mode = 'pixel', count = 1, area = [0.02, 1 / 3], ratio = 0.3 } = settings
  checkKeys('augment.erasing', settings, ['probability', 'mode', 'count', 'area', 'ratio'])
  checkRange('augment.erasing.probability', probability, 0, 1)
  checkRange('augment.erasing.count', count, 1, Infinity, true)
  if (!(ratio > 0 && ratio <= 1)) throw new RangeError(`augment.erasing.ratio must be above 0 and at most 1, got ${ratio}`)
  if (!['const', 'rand', 'pixel'].includes(mode)) throw new Error(`augment.erasing.mode must be 'const', 'rand' or 'pixel', got '${mode}'`)
  if (!Array.isArray(area) || !(area[0] >= 0 && area[0] <= area[1] && area[1] <= 1))
    throw new RangeError(`augment.erasing.area must be two shares from 0 to 1, the smaller one first, got ${JSON.stringify(area)}`)
  return (pixels, [height, width, channels], rng) => {
    if (rng.uniform() >= probability) return
    const parts = 1 + rng.integer(count)
    for (let part = 0; part < parts; part++) {
      for (let attempt = 0; attempt < 10; attempt++) {
        const target = ((area[0] + (area[1] - area[0]) * rng.uniform()) * height * width) / parts
        const aspect = Math.exp(Math.log(ratio) * (1 - 2 * rng.uniform()))
        const [h, w] = [roundHalfToEven(Math.sqrt(target * aspect)), roundHalfToEven(Math.sqrt(target / aspect))]
        if (h >= height || w >= width) continue
        const [top, left] = [rng.integer(height - h + 1), rng.integer(width - w + 1)]
        const colours = Array.from({ length: channels }, () => (mode === 'rand' ? rng.normal() : 0))
        for (let y = top; y < top + h; y++) {
          const row = (y * width + left) * channels
          for (let i = 0; i < w * channels; i++) pixels[row + i] = mode === 'pixel' ? rng.normal() : colours[i % channels]!
        }
        break
      }
    }
  }
}
