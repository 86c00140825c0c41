import type { Preprocessing, RawImage, Rng } from '@learngene/interfaces'
import type { Normalisation } from '../normalise.js'
import { roundHalfToEven } from '../preprocess/centre-crop.js'
import { checkKeys, checkRange } from './check-settings.js'
import type { Draws } from './draws.js'
import { type Eraser, type ErasingSettings, erasing } from './erasing.js'
import type { MixSettings } from './mix.js'
import { type RandAugmentSettings, randAugment } from './rand-augment.js'
import { type RandomResizedCropSettings, randomResizedCrop } from './random-resized-crop.js'

/**
 * What is changed at random, in the order in which it is listed here; what is not given is not done. Names, definitions and distributions are timm's; `{}` in the place of
 * settings takes their defaults, which are those of DeiT.
 */
export interface Augmentation extends MixSettings {
  /** Cuts and resizes the decoded picture, in the place of the preprocessing's own resizing and cropping. */
  readonly randomResizedCrop?: RandomResizedCropSettings
  /** Probability of mirroring left to right; true is 1/2. */
  readonly flip?: boolean | number
  /** Moves by whole pixels, uniform in -shift .. shift, up and down, left and right, with zeros where nothing came from. */
  readonly shift?: number
  readonly randAugment?: RandAugmentSettings
  /** A change of one's own; returns new pixels and leaves the given ones alone. Draws from `rng` only, so that the same step gives the same pixels. */
  readonly custom?: (image: RawImage, rng: Rng) => RawImage
  /** After normalising. */
  readonly erasing?: ErasingSettings
  /** Share of each target that is spread over all classes; not random. Default 0. */
  readonly labelSmoothing?: number
}

/** What can be done to a picture on any thread: plain settings. */
export type PictureAugmentation = Pick<Augmentation, 'randomResizedCrop' | 'flip' | 'shift' | 'randAugment'>

/** An augmentation in the places where a batch is made. */
export interface AugmentationSteps {
  /** Of a picture, decoded where it begins with `randomResizedCrop`, else framed; and the function that does it. Missing where nothing is done. */
  readonly picture?: PictureAugmentation
  readonly change?: PictureChange
  readonly custom?: Augmentation['custom']
  /** Of a picture that is normalised. */
  readonly erase?: Eraser
  /** Of a batch. */
  readonly mix?: MixSettings
  readonly labelSmoothing: number
}

export type PictureChange = (image: RawImage, draws: Draws) => RawImage

const settings = [
  'randomResizedCrop',
  'flip',
  'shift',
  'randAugment',
  'custom',
  'erasing',
  'mixup',
  'cutmix',
  'mixProbability',
  'switchProbability',
  'labelSmoothing',
]

/**
 * @param preparation of the pictures: size and mean are needed here
 * @throws one line where a setting is not known or not possible
 */
export const augmentationSteps = (augment: Augmentation, preparation: Normalisation | Preprocessing): AugmentationSteps => {
  checkKeys('augment', augment, settings)
  const { randomResizedCrop, flip, shift, randAugment } = augment
  const { custom, mixup = 0, cutmix = 0, mixProbability = 1, switchProbability = 0.5, labelSmoothing = 0 } = augment
  if (custom !== undefined && typeof custom !== 'function')
    throw new Error(`augment.custom must be a function from an image and a generator to an image, got ${JSON.stringify(custom)}`)
  for (const [name, value] of Object.entries({ mixup, cutmix })) checkRange(`augment.${name}`, value, 0, Infinity)
  for (const [name, value] of Object.entries({ mixProbability, switchProbability })) checkRange(`augment.${name}`, value, 0, 1)
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`augment.labelSmoothing must be from 0 to below 1, got ${labelSmoothing}`)
  const picture = { randomResizedCrop, flip, shift, randAugment }
  const change = pictureChange(picture, preparation)
  return {
    ...(change && { picture, change }),
    custom,
    erase: augment.erasing && erasing(augment.erasing),
    mix: mixup + cutmix > 0 && mixProbability > 0 ? { mixup, cutmix, mixProbability, switchProbability } : undefined,
    labelSmoothing,
  }
}

/** The function that changes a picture; undefined where nothing is to be done. */
export const pictureChange = (augment: PictureAugmentation, preparation: Normalisation | Preprocessing): PictureChange | undefined => {
  const { randomResizedCrop: crop, flip = false, shift = 0 } = augment
  const mirrored = flip === true ? 0.5 : flip === false ? 0 : flip
  checkRange('augment.flip', mirrored, 0, 1)
  checkRange('augment.shift', shift, 0, Infinity, true)
  const filter = crop?.interpolation === 'bilinear' || crop?.interpolation === 'bicubic' ? crop.interpolation : 'random'
  const fill = preparation.mean.map((value) => Math.min(255, Math.max(0, roundHalfToEven(255 * value))))
  const changes: PictureChange[] = []
  if (crop) changes.push(randomResizedCrop(crop, 'size' in preparation ? preparation.size : undefined))
  if (mirrored > 0) changes.push((image, draws) => (draws.uniform() < mirrored ? mirror(image) : image))
  if (shift > 0) changes.push((image, draws) => shiftBy(image, shift, draws))
  if (augment.randAugment) changes.push(randAugment(augment.randAugment, filter, fill))
  if (changes.length === 0) return undefined
  return (image, draws) => changes.reduce((changed, change) => change(changed, draws), image)
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

const shiftBy = (image: RawImage, shift: number, draws: Draws): RawImage => {
  const { height, width, channels } = image
  if (shift >= Math.min(height, width))
    throw new RangeError(
      `a shift of ${shift} pixels can move an image of ${height} x ${width} out of sight; use at most ${Math.min(height, width) - 1}`,
    )
  const down = draws.integer(2 * shift + 1) - shift
  const right = draws.integer(2 * shift + 1) - shift
  const data = new Uint8Array(image.data.length)
  const [from, to] = [Math.max(0, -right), Math.min(width, width - right)]
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    const row = (y - down) * width
    data.set(image.data.subarray((row + from) * channels, (row + to) * channels), (y * width + from + right) * channels)
  }
  return { ...image, data }
}
