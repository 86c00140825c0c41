import { sourceOf } from '@learngene/testing/source-of'
import { createRng } from '@learngene/training'
import { createViT, parametersOf, type ViTConfig } from '@learngene/vit-blocks'
import { mul, tensor4d, tidy } from '@tensorflow/tfjs-core'

/** A model small enough for unit tests: 5 tokens. */
export const tinyConfig: ViTConfig = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 4, heads: 2, classes: 3 }

export const tinyAncestor = (seed = 1) => createViT(tinyConfig, createRng(seed))

/** An ancestor whose features and logits differ from image to image, which small random weights do not make them do. */
export function livelyAncestor(seed = 1) {
  const ancestor = tinyAncestor(seed)
  for (const parameter of Object.values(parametersOf(ancestor))) {
    if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 10)))
  }
  return ancestor
}

/** Images of three classes that a small model can tell apart: a bright third, plus noise. */
export function tinyImages(length: number, seed = 7) {
  const rng = createRng(seed)
  const labels = Uint8Array.from({ length }, (_, i) => i % 3)
  const pixels = Float32Array.from({ length: length * 64 }, (_, i) => {
    const row = Math.floor((i % 64) / 8)
    return rng.normal() * 0.3 + (Math.floor(row / 3) === labels[Math.floor(i / 64)] ? 1 : 0)
  })
  return sourceOf({
    length,
    classes: ['top', 'middle', 'bottom'],
    images: (indices) => {
      const batch = new Float32Array(indices.length * 64)
      for (let i = 0; i < indices.length; i++) batch.set(pixels.subarray(indices[i]! * 64, (indices[i]! + 1) * 64), i * 64)
      return tensor4d(batch, [indices.length, 8, 8, 1])
    },
    labels: (indices) => Array.from(indices, (i) => labels[i]!),
  })
}
