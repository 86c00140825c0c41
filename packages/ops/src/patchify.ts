import { reshape, slice, type Tensor2D, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'

/** Pixels of a patch: one number for a square, or height and width. */
export type PatchSize = number | readonly [height: number, width: number]

/**
 * Cuts images into patches, row by row; within a patch pixel rows, then columns, then channels. Pixels after the last whole patch of a row or a column
 * are left out. Equals a convolution of stride `patchSize` when the weight is flattened with {@link flattenPatchWeight}.
 *
 * @param images [B, height, width, channels]
 * @returns [B n, p q channels] with n patches of p x q pixels per image
 * @throws when no whole patch fits into the image
 */
export function patchify(images: Tensor4D, patchSize: PatchSize): Tensor2D {
  const [batch, height, width, channels] = images.shape
  const [p, q] = typeof patchSize === 'number' ? [patchSize, patchSize] : patchSize
  const rows = Math.floor(height / p)
  const columns = Math.floor(width / q)
  if (!(rows >= 1 && columns >= 1)) throw shapeError('patchify', `a patch of ${p} x ${q} pixels must fit into the images`, { images })
  return tidy(() => {
    const whole = height === rows * p && width === columns * q ? images : slice(images, 0, [batch, rows * p, columns * q, channels])
    const strips = reshape(whole, [batch * rows, p, columns, q * channels]) // [B rows, p, columns, q c]
    const patches = transpose(strips, [0, 2, 1, 3]) // [B rows, columns, p, q c]
    return reshape(patches, [batch * rows * columns, p * q * channels]) as Tensor2D // [B n, p q c]
  })
}

/** A patch convolution's weight as the matrix that {@link patchify}'s rows are multiplied with: OIHW [D, c, p, q] -> [D, p q c]. */
export function flattenPatchWeight(weight: Tensor4D): Tensor2D {
  const [width, channels, p, q] = weight.shape
  return tidy(() => {
    const flat = channels === 1 ? weight : transpose(weight, [0, 2, 3, 1]) // [D, p, q, c]
    return reshape(flat, [width, p * q * channels]) as Tensor2D // [D, p q c]
  })
}
