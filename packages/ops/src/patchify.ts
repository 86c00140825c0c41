import { reshape, type Tensor2D, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'

/**
 * Cuts images into square patches, row by row; within a patch pixel rows, then columns, then channels.
 * Equals a convolution of stride `patchSize` when the weight is flattened with {@link flattenPatchWeight}.
 *
 * @param images [B, height, width, channels]
 * @param patchSize pixels; must divide height and width
 * @returns [B n, patchSize patchSize channels] with n patches per image
 * @throws when the patch size does not divide the image
 */
export function patchify(images: Tensor4D, patchSize: number): Tensor2D {
  const [batch, height, width, channels] = images.shape
  if (height % patchSize !== 0 || width % patchSize !== 0) {
    throw shapeError('patchify', `height and width must divide by the patch size ${patchSize}`, { images })
  }
  const rows = height / patchSize
  const columns = width / patchSize
  return tidy(() => {
    const strips = reshape(images, [batch * rows, patchSize, columns, patchSize * channels]) // [B rows, p, columns, p c]
    const patches = transpose(strips, [0, 2, 1, 3]) // [B rows, columns, p, p c]
    return reshape(patches, [batch * rows * columns, patchSize * patchSize * channels]) as Tensor2D // [B n, p p c]
  })
}

/** A patch convolution's weight as the matrix that {@link patchify}'s rows are multiplied with: OIHW [D, c, p, p] -> [D, p p c]. */
export function flattenPatchWeight(weight: Tensor4D): Tensor2D {
  const [width, channels, patchSize] = weight.shape
  return tidy(() => {
    const flat = channels === 1 ? weight : transpose(weight, [0, 2, 3, 1]) // [D, p, p, c]
    return reshape(flat, [width, patchSize * patchSize * channels]) as Tensor2D // [D, p p c]
  })
}
