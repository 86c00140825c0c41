import type { Rng } from '@learngene/interfaces'
import { add, mul, reverse, type Tensor4D, tidy } from '@tensorflow/tfjs-core'

export interface MixSettings {
  /** Alpha of mixup (arXiv 1710.09412): images are averaged with weights from Beta(alpha, alpha). 0, the default, is without. */
  readonly mixup?: number
  /** Alpha of CutMix (arXiv 1905.04899): a rectangle of an image comes from another, its area from Beta(alpha, alpha). 0, the default, is without. */
  readonly cutmix?: number
  /** That a batch is mixed at all. Default 1. */
  readonly mixProbability?: number
  /** That a batch which is mixed is mixed by CutMix, where both are given. Default 0.5. */
  readonly switchProbability?: number
}

/** How the images of a batch, each with its counterpart from the other end of the batch, are mixed. */
export interface Mixture {
  /** The image's own share; the counterpart has the rest. */
  readonly own: number
  /** The rectangle that CutMix exchanges; without it the images are averaged. */
  readonly box?: { readonly top: number; readonly left: number; readonly height: number; readonly width: number }
}

/** Draws a batch's mixture as timm's `Mixup` of mode 'batch' does; undefined where the batch stays as it is. */
export const drawMixture = (
  { mixup = 0, cutmix = 0, mixProbability = 1, switchProbability = 0.5 }: MixSettings,
  [height, width]: readonly [number, number],
  rng: Rng,
): Mixture | undefined => {
  if (rng.uniform() >= mixProbability) return undefined
  const isCut = cutmix > 0 && (mixup === 0 || rng.uniform() < switchProbability)
  const own = drawBeta(isCut ? cutmix : mixup, rng)
  if (!isCut) return { own }
  const [halfHeight, halfWidth] = [height, width].map((side) => Math.floor(Math.trunc(side * Math.sqrt(1 - own)) / 2)) as [number, number]
  const [y, x] = [rng.integer(height), rng.integer(width)]
  const [top, left] = [Math.max(0, y - halfHeight), Math.max(0, x - halfWidth)]
  const box = { top, left, height: Math.min(height, y + halfHeight) - top, width: Math.min(width, x + halfWidth) - left }
  return { own: 1 - (box.height * box.width) / (height * width), box }
}

/** Exchanges the rectangle between each image of a batch [B, h, w, c] and its counterpart, in place. */
export const exchange = (
  pixels: Uint8Array | Float32Array,
  [images, height, width, channels]: readonly [number, number, number, number],
  box: NonNullable<Mixture['box']>,
): void => {
  const size = height * width * channels
  for (let i = 0; i < Math.floor(images / 2); i++) {
    for (let y = box.top; y < box.top + box.height; y++) {
      const at = (y * width + box.left) * channels
      const [own, other] = [i, images - 1 - i].map((image) => pixels.subarray(image * size + at, image * size + at + box.width * channels))
      const kept = own!.slice()
      own!.set(other!)
      other!.set(kept)
    }
  }
}

/** Averages each image of a batch [B, h, w, c] with its counterpart. Frees the given tensor. */
export const average = (images: Tensor4D, own: number): Tensor4D => {
  const mixed = tidy(() => add(mul(images, own), mul(reverse(images, 0), 1 - own)) as Tensor4D)
  images.dispose()
  return mixed
}

/** Averages each row of [B, C] with its counterpart, in place. */
export const averageTargets = (targets: Float32Array, classes: number, own: number): void => {
  const given = targets.slice()
  const rows = classes === 0 ? 0 : targets.length / classes
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < classes; c++) {
      targets[i * classes + c] = own * given[i * classes + c]! + (1 - own) * given[(rows - 1 - i) * classes + c]!
    }
  }
}

/** From Beta(alpha, alpha), as the share of one of two draws from Gamma(alpha), whose logarithms cannot vanish. */
export const drawBeta = (alpha: number, rng: Rng): number => 1 / (1 + Math.exp(drawLogGamma(alpha, rng) - drawLogGamma(alpha, rng)))

/** Logarithm of a draw from Gamma(shape, 1): Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). */
const drawLogGamma = (shape: number, rng: Rng): number => {
  if (shape < 1) return drawLogGamma(shape + 1, rng) + Math.log(1 - rng.uniform()) / shape
  const d = shape - 1 / 3
  for (;;) {
    const x = rng.normal()
    const v = (1 + x / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}
