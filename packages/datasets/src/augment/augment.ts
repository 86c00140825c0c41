import type { Preprocessing, RawImage, Rng } from '@learngene/interfaces'
import type { Normalisation } from '../normalise.js'
import { roundHalfToEven } from '../preprocess/centre-crop.js'
import { checkKeys, checkRange } from './check-settings.js'
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

/** An augmentation in the three places where a batch is made. */
export interface AugmentationSteps {
  /** Of a picture: decoded where it begins with `randomResizedCrop`, else framed. */
  readonly change?: (image: RawImage, rng: Rng) => RawImage
  readonly beginsDecoded: boolean
  /** Of a picture that is normalised. */
  readonly erase?: Eraser
  /** Of a batch. */
  readonly mix?: MixSettings
  readonly labelSmoothing: number
}

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
  const {
    flip = false,
    shift = 0,
    custom,
    mixup = 0,
    cutmix = 0,
    mixProbability = 1,
    switchProbability = 0.5,
    labelSmoothing = 0,
  } = augment
  const mirrored = flip === true ? 0.5 : flip === false ? 0 : flip
  checkRange('augment.flip', mirrored, 0, 1)
  checkRange('augment.shift', shift, 0, Infinity, true)
  if (custom !== undefined && typeof custom !== 'function')
    throw new Error(`augment.custom must be a function from an image and a generator to an image, got ${JSON.stringify(custom)}`)
  for (const [name, value] of Object.entries({ mixup, cutmix })) checkRange(`augment.${name}`, value, 0, Infinity)
  for (const [name, value] of Object.entries({ mixProbability, switchProbability })) checkRange(`augment.${name}`, value, 0, 1)
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`augment.labelSmoothing must be from 0 to below 1, got ${labelSmoothing}`)

  const crop = augment.randomResizedCrop
  const filter = crop?.interpolation === 'bilinear' || crop?.interpolation === 'bicubic' ? crop.interpolation : 'random'
  const fill = preparation.mean.map((value) => Math.min(255, Math.max(0, roundHalfToEven(255 * value))))
  const changes = [
    crop && randomResizedCrop(crop, 'size' in preparation ? preparation.size : undefined),
    mirrored > 0 && ((image: RawImage, rng: Rng) => (rng.uniform() < mirrored ? mirror(image) : image)),
    shift > 0 && ((image: RawImage, rng: Rng) => shiftBy(image, shift, rng)),
    augment.randAugment && randAugment(augment.randAugment, filter, fill),
    custom,
  ].filter((change) => change !== undefined && change !== false)
  return {
    change: changes.length === 0 ? undefined : (image, rng) => changes.reduce((changed, change) => change(changed, rng), image),
    beginsDecoded: crop !== undefined,
    erase: augment.erasing && erasing(augment.erasing),
    mix: mixup + cutmix > 0 && mixProbability > 0 ? { mixup, cutmix, mixProbability, switchProbability } : undefined,
    labelSmoothing,
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
