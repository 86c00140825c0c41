import { classTargets } from '@learngene/ops'
import { createRng } from '@learngene/training'
import { keep, type Tensor2D, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core'
import type { Task } from './task.js'

/** A batch of drawn images with labels, on the device. */
export interface Inputs {
  /** [B, height, width, channels] */
  readonly images: Tensor4D
  /** [B, C] */
  readonly targets: Tensor2D
}

export function createInputs({ imageSize, channels, classes }: Task['model'], batch: number): Inputs {
  const rng = createRng(0)
  const pixels = Float32Array.from({ length: batch * imageSize * imageSize * channels }, () => rng.normal())
  return {
    images: keep(tensor4d(pixels, [batch, imageSize, imageSize, channels])),
    targets: keep(
      classTargets(
        Array.from({ length: batch }, (_, i) => i % classes),
        classes,
      ),
    ),
  }
}
