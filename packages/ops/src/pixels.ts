import { add, mul, reshape, type Tensor1D, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'

/** Mean and standard deviation of each channel, of pixels scaled to 0..1. */
export interface PixelNormalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** The attributes of the kernel: pixel x scale + offset by channel, for images of this shape. */
export type PixelAttributes = {
  readonly shape: number[]
  readonly scale: number[]
  readonly offset: number[]
}

/** Whether the current backend normalises pixels itself, so that they travel to it as bytes. */
export const hasPixelKernel = (): boolean => findKernel('LearngeneNormalisePixels') !== undefined

/**
 * Pixels as {@link normalisePixels} takes them on the current backend: where it has a kernel for them they travel as they are, four in each
 * int32; elsewhere as float32 numbers.
 *
 * @returns [ceil(n / 4)] int32, little-endian, or [n] float32
 */
export function packPixels(pixels: Uint8Array): Tensor1D {
  if (!hasPixelKernel()) return tensor1d(Float32Array.from(pixels), 'float32')
  const words = new Int32Array(Math.ceil(pixels.length / 4))
  new Uint8Array(words.buffer).set(pixels)
  return tensor1d(words, 'int32')
}

/**
 * (pixel / 255 - mean) / std, channel by channel, on the device. No gradient.
 *
 * @param packed what {@link packPixels} gave, under the same backend and mode
 * @param shape [B, h, w, c]
 * @returns [B, h, w, c] float32
 * @throws when the number of pixels is not that of the shape, or there is not one mean and one std per channel
 */
export function normalisePixels(
  packed: Tensor1D,
  shape: readonly [images: number, height: number, width: number, channels: number],
  { mean, std }: PixelNormalisation,
): Tensor4D {
  const channels = shape[3]
  if (mean.length !== channels || std.length !== channels) {
    throw new Error(
      `normalisePixels: there must be one mean and one std for each of ${channels} channels; got ${mean.length} and ${std.length}`,
    )
  }
  const size = shape[0] * shape[1] * shape[2] * channels
  const kernel = packed.dtype === 'int32' ? findKernel('LearngeneNormalisePixels') : undefined
  if (packed.size !== (packed.dtype === 'int32' ? Math.ceil(size / 4) : size) || (packed.dtype === 'int32' && !kernel)) {
    throw shapeError('normalisePixels', `packed must be what packPixels gives for the ${size} pixels of [${shape}] on this backend`, {
      packed,
    })
  }
  const scale = std.map((value) => 1 / (255 * value))
  const offset = mean.map((value, c) => -value / std[c]!)
  if (kernel) return kernel({ packed }, { shape: [...shape], scale, offset })[0] as Tensor4D
  return tidy(() => add(mul(reshape(packed, [...shape]), tensor1d(scale)), tensor1d(offset)))
}
