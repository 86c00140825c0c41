import { hasPixelKernel, normalisePixels, packPixels } from '@learngene/ops'
import { type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { checkChannels, checkNormalisation, type Normalisation, normalise } from './normalise.js'

export type BatchShape = readonly [images: number, height: number, width: number, channels: number]

/**
 * Pixels [B, h, w, c] as a float32 tensor [B, h, w, c], normalised per channel. The caller disposes it. On webgpu the pixels travel as bytes and are
 * normalised on the device, in float32; elsewhere as {@link normalise} does it.
 * Throws as `normalise` does, and when the shape does not fit the pixels or the number of means.
 */
export const toTensor = (pixels: Uint8Array, shape: BatchShape, normalisation: Normalisation): Tensor4D => {
  checkPixels(pixels, shape)
  checkChannels(shape[3], normalisation)
  if (hasPixelKernel()) {
    checkNormalisation(normalisation)
    return tidy(() => normalisePixels(packPixels(pixels), shape, normalisation))
  }
  return tensor4d(normalise(pixels, normalisation), [...shape], 'float32') // [B, h, w, c]
}

/** Throws one line when the number of pixels is not that of the shape. */
const checkPixels = (pixels: Uint8Array, shape: BatchShape): void => {
  const size = shape[0] * shape[1] * shape[2] * shape[3]
  if (pixels.length !== size)
    throw new Error(
      `shape ${shape.join(' x ')} needs ${size} pixels, got ${pixels.length}; give the shape [images, height, width, channels]`,
    )
}
