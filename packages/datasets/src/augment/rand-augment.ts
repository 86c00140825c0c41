import type { RawImage } from '@learngene/interfaces'
import { checkKeys, checkRange } from './check-settings.js'
import type { Draws } from './draws.js'
import { autoContrast, brightness, contrast, equalise, invert, posterise, solarise, solariseAdd } from './lookups.js'
import { type AffineOptions, affine, colour, rotate, sharpness } from './neighbours.js'

export interface RandAugmentSettings {
  /** Operations drawn per picture, each then applied with probability 1/2. Default 2. */
  readonly layers?: number
  /** From 0 to 10. Default 9. */
  readonly magnitude?: number
  /** Standard deviation of the magnitude, drawn for each operation and clipped to 0..10; Infinity draws it evenly from 0 to `magnitude`. Default 0.5. */
  readonly std?: number
  /** Whether every operation does more to a picture the higher the magnitude is; without it Posterize and Solarize do less, and Color, Contrast, Brightness and Sharpness run from less to more. Default true. */
  readonly increasing?: boolean
}

/** An operation of timm's RandAugment, by its name there, for levels from 0 to 10. */
export interface RandAugmentOperation {
  readonly name: string
  readonly apply: (image: RawImage, level: number, draws: Draws, options: AffineOptions) => RawImage
}

const either = (value: number, draws: Draws): number => (draws.uniform() > 0.5 ? -value : value)

const shift = (of: (level: number, image: RawImage) => readonly [number, number, number, number, number, number]) =>
  ((image, level, draws, options) => affine(image, of(either(level, draws), image), options)) satisfies RandAugmentOperation['apply']

const enhance = (change: (image: RawImage, factor: number) => RawImage, increasing: boolean): RandAugmentOperation['apply'] =>
  increasing
    ? (image, level, draws) => change(image, Math.max(0.1, 1 + either((level / 10) * 0.9, draws)))
    : (image, level) => change(image, (level / 10) * 1.8 + 0.1)

/** The operations of timm 1.0 (data/auto_augment.py, `_RAND_TRANSFORMS` and `_RAND_INCREASING_TRANSFORMS`), in that order. */
export const randAugmentOperations = (increasing: boolean): readonly RandAugmentOperation[] => {
  const by = (level: number, most: number): number => Math.trunc((level / 10) * most)
  return [
    { name: 'AutoContrast', apply: autoContrast },
    { name: 'Equalize', apply: equalise },
    { name: 'Invert', apply: invert },
    { name: 'Rotate', apply: (image, level, draws, options) => rotate(image, either((level / 10) * 30, draws), options) },
    { name: 'Posterize', apply: (image, level) => posterise(image, increasing ? 4 - by(level, 4) : by(level, 4)) },
    { name: 'Solarize', apply: (image, level) => solarise(image, increasing ? 256 - by(level, 256) : by(level, 256)) },
    { name: 'SolarizeAdd', apply: (image, level) => solariseAdd(image, by(level, 110)) },
    { name: 'Color', apply: enhance(colour, increasing) },
    { name: 'Contrast', apply: enhance(contrast, increasing) },
    { name: 'Brightness', apply: enhance(brightness, increasing) },
    { name: 'Sharpness', apply: enhance(sharpness, increasing) },
    { name: 'ShearX', apply: shift((level) => [1, (level / 10) * 0.3, 0, 0, 1, 0]) },
    { name: 'ShearY', apply: shift((level) => [1, 0, 0, (level / 10) * 0.3, 1, 0]) },
    { name: 'TranslateX', apply: shift((level, { width }) => [1, 0, (level / 10) * 0.45 * width, 0, 1, 0]) },
    { name: 'TranslateY', apply: shift((level, { height }) => [1, 0, 0, 0, 1, (level / 10) * 0.45 * height]) },
  ]
}

/**
 * RandAugment (arXiv 1909.13719) as timm defines it. Grey pictures, of one channel, have all operations but Color, which does nothing to them.
 *
 * @param interpolation of Rotate, the shears and the translations; 'random' draws one of the two each time
 * @param fill one value per channel where nothing came from
 * @throws where a setting is not possible; the function where a picture has neither 1 channel nor 3
 */
export const randAugment = (
  settings: RandAugmentSettings,
  interpolation: AffineOptions['interpolation'] | 'random',
  fill: readonly number[],
): ((image: RawImage, draws: Draws) => RawImage) => {
  const { layers = 2, magnitude = 9, std = 0.5, increasing = true } = settings
  checkKeys('augment.randAugment', settings, ['layers', 'magnitude', 'std', 'increasing'])
  checkRange('augment.randAugment.layers', layers, 1, Infinity, true)
  checkRange('augment.randAugment.magnitude', magnitude, 0, 10)
  checkRange('augment.randAugment.std', std, 0, Infinity)
  const all = randAugmentOperations(increasing)
  const ofGrey = all.filter(({ name }) => name !== 'Color')
  return (image, draws) => {
    if (image.channels !== 1 && image.channels !== 3)
      throw new Error(`augment.randAugment takes pictures of 1 or 3 channels, got ${image.channels}`)
    const operations = image.channels === 1 ? ofGrey : all
    let changed = image
    for (let layer = 0; layer < layers; layer++) {
      const operation = operations[draws.integer(operations.length)]!
      if (draws.uniform() < 0.5) continue
      const drawn = std === Infinity ? draws.uniform() * magnitude : std > 0 ? magnitude + std * draws.normal() : magnitude
      const options = { interpolation: interpolation === 'random' ? drawInterpolation(draws) : interpolation, fill }
      changed = operation.apply(changed, Math.min(10, Math.max(0, drawn)), draws, options)
    }
    return changed
  }
}

const drawInterpolation = (draws: Draws): AffineOptions['interpolation'] => (draws.uniform() < 0.5 ? 'bilinear' : 'bicubic')
