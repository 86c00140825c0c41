import { reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core'

/** One row per example, so that a value per example broadcasts along its last dimension. */
export function exampleRows(x: Tensor): Tensor2D {
  return reshape(x, [x.shape[0]!, -1]) as Tensor2D // [B, M]
}
