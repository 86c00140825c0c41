import { cast, oneHot, type Tensor2D, type Tensor4D, tensor1d, tidy, zeros } from '@tensorflow/tfjs-core'

/** Labelled images that a test has as tensors. */
export interface TestImages {
  readonly length: number
  readonly classes: readonly string[]
  /** [B, height, width, channels] */
  images(indices: ArrayLike<number>): Tensor4D
  /** Class indices. */
  labels(indices: ArrayLike<number>): number[]
}

/** A source of images as networks take them, which besides gives images and labels at once. */
export function sourceOf<T extends TestImages>(images: T) {
  return {
    ...images,
    async batch(indices: ArrayLike<number>) {
      const count = images.classes.length
      return {
        images: images.images(indices),
        targets: tidy(() =>
          count === 0 ? zeros([indices.length, 0]) : cast(oneHot(tensor1d(images.labels(indices), 'int32'), count), 'float32'),
        ) as Tensor2D,
      }
    },
  }
}
