import type { Interpolation, RawImage } from '@learngene/interfaces'
import { roundHalfToEven } from '../preprocess/centre-crop.js'
import { interpolations, resizeImage } from '../preprocess/resize.js'
import { checkKeys } from './check-settings.js'
import type { Draws } from './draws.js'

export interface RandomResizedCropSettings {
  /** Least and largest share of the picture's area. Default [0.08, 1]. */
  readonly scale?: readonly [least: number, largest: number]
  /** Least and largest width / height of the crop. Default [3/4, 4/3]. */
  readonly ratio?: readonly [least: number, largest: number]
  /** Default 'random', which draws 'bilinear' or 'bicubic' each time. */
  readonly interpolation?: Interpolation | 'random'
}

/**
 * Cuts a part of random area and shape out of a picture and resizes it, as torchvision's RandomResizedCrop and timm's RandomResizedCropAndInterpolation do: ten tries for a part
 * that fits, then the middle.
 *
 * @param size [height, width]; where it is undefined pictures keep their own
 * @throws where a setting is not possible
 */
export const randomResizedCrop = (
  settings: RandomResizedCropSettings,
  size: readonly [number, number] | undefined,
): ((image: RawImage, draws: Draws) => RawImage) => {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'random' } = settings
  checkKeys('augment.randomResizedCrop', settings, ['scale', 'ratio', 'interpolation'])
  checkPair('augment.randomResizedCrop.scale', scale, 1)
  checkPair('augment.randomResizedCrop.ratio', ratio, Infinity)
  if (interpolation !== 'random' && !interpolations.includes(interpolation))
    throw new Error(`augment.randomResizedCrop.interpolation must be one of random, ${interpolations.join(', ')}, got ${interpolation}`)
  return (image, draws) => {
    const box = drawBox(image, scale, ratio, draws)
    const filter = interpolation === 'random' ? (draws.uniform() < 0.5 ? 'bilinear' : 'bicubic') : interpolation
    return resizeImage(cut(image, box), { height: size?.[0] ?? image.height, width: size?.[1] ?? image.width }, filter)
  }
}

const checkPair = (name: string, pair: readonly [number, number], most: number): void => {
  if (!Array.isArray(pair) || pair.length !== 2 || !(pair[0] <= pair[1]))
    throw new RangeError(`${name} must be two numbers, the smaller one first, got ${JSON.stringify(pair)}`)
  for (const [i, value] of pair.entries()) {
    if (!(value > 0 && value <= most))
      throw new RangeError(`${name}[${i}] must be a number above 0${most === 1 ? ' and at most 1' : ''}, got ${value}`)
  }
}

export interface Box {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

type Pair = readonly [number, number]

const between = ([low, high]: Pair, draws: Draws): number => low + (high - low) * draws.uniform()

/** The part that is cut out, in pixels of the picture. */
export const drawBox = (image: RawImage, scale: Pair, ratio: Pair, draws: Draws): Box => {
  const logs: Pair = [Math.log(ratio[0]), Math.log(ratio[1])]
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = between(scale, draws) * image.height * image.width
    const aspect = Math.exp(between(logs, draws))
    const width = roundHalfToEven(Math.sqrt(area * aspect))
    const height = roundHalfToEven(Math.sqrt(area / aspect))
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue
    return { top: draws.integer(image.height - height + 1), left: draws.integer(image.width - width + 1), height, width }
  }
  const own = image.width / image.height
  const width = own > ratio[1] ? Math.max(1, roundHalfToEven(image.height * ratio[1])) : image.width
  const height = own < ratio[0] ? Math.max(1, roundHalfToEven(image.width / ratio[0])) : image.height
  return { top: Math.floor((image.height - height) / 2), left: Math.floor((image.width - width) / 2), height, width }
}

const cut = (image: RawImage, { top, left, height, width }: Box): RawImage => {
  const { channels } = image
  const data = new Uint8Array(height * width * channels)
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels
    data.set(image.data.subarray(from, from + width * channels), y * width * channels)
  }
  return { data, height, width, channels }
}
