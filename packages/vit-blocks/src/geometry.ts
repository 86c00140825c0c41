import { integerIn } from './config.js'
import { describe } from './safetensors/errors.js'

/** Pixels: one number for a square, or height and width. */
export type Size = number | readonly [height: number, width: number]

/** What an image is to a network. */
export interface ImageGeometry {
  /** Of images, in pixels; those after the last whole patch of a row or a column are not seen. */
  readonly imageSize: Size
  /** Of patches, in pixels. */
  readonly patchSize: Size
  /** 1 for grey, 3 for RGB. */
  readonly channels: number
}

export function sidesOf(size: Size): readonly [height: number, width: number] {
  return typeof size === 'number' ? [size, size] : size
}

/** Patches of an image, from top to bottom and from left to right. */
export function gridOf({ imageSize, patchSize }: Pick<ImageGeometry, 'imageSize' | 'patchSize'>): readonly [rows: number, columns: number] {
  const [height, width] = sidesOf(imageSize)
  const [p, q] = sidesOf(patchSize)
  return [Math.floor(height / p), Math.floor(width / q)]
}

/** `224 x 224`, for messages. */
export function sizeText(size: Size): string {
  return sidesOf(size).join(' x ')
}

/**
 * Reads a geometry of a plain configuration; squares become one number.
 *
 * @throws when a size is no positive integer or two of them, or no patch fits into the image
 */
export function geometryIn(config: object): ImageGeometry {
  const geometry = {
    imageSize: sizeIn(config, 'imageSize'),
    patchSize: sizeIn(config, 'patchSize'),
    channels: integerIn(config, 'channels'),
  }
  if (gridOf(geometry).includes(0)) {
    const { imageSize, patchSize } = geometry
    throw new Error(`geometry: a patch must fit into the image; got images of ${sizeText(imageSize)} and patches of ${sizeText(patchSize)}`)
  }
  return geometry
}

/**
 * Reads a size of a plain configuration; a square becomes one number.
 *
 * @throws when it is no positive integer or two of them
 */
export function sizeIn(config: object, key: string): Size {
  const value = (config as Record<string, unknown>)[key]
  if (!Array.isArray(value)) return integerIn(config, key)
  if (value.length !== 2) throw new Error(`config: '${key}' must be one number, or height and width; got ${describe(value)}`)
  const [height, width] = value.map((side) => integerIn({ [key]: side }, key)) as [number, number]
  return height === width ? height : [height, width]
}
