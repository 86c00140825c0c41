import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import { sourceOf } from '@learngene/testing/source-of'
import { createRng } from '@learngene/training'
import { createViT, type Network, type PartRegistry, parametersOf, type SquareViTConfig, type ViTConfig } from '@learngene/vit-blocks'
import { add, mul, tensor, tensor4d, tidy } from '@tensorflow/tfjs-core'

export const smallConfig: SquareViTConfig = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 4, heads: 2, classes: 3 }

/** A ViT none of whose parameters is left as it is initialised, so that norms, biases and all heads matter. */
export function livelyViT(config: Partial<ViTConfig> = {}, seed = 1, parts?: PartRegistry): Network {
  const rng = createRng(seed)
  const network = createViT({ ...smallConfig, ...config }, rng.fork('weights'), parts)
  for (const [name, parameter] of Object.entries(parametersOf(network))) {
    const draw = rng.fork(name)
    const deviation = name.endsWith('bias') ? 0.3 : parameter.rank === 1 ? 0.3 : 0
    tidy(() => {
      const noise = tensor(
        Float32Array.from({ length: parameter.size }, () => deviation * draw.normal()),
        parameter.shape,
      )
      parameter.assign(add(mul(parameter, parameter.rank > 1 ? 12 : 1), noise))
    })
  }
  return network
}

/** Images of low rank with some noise, as natural ones are: sums of a few patterns. */
export function patternImages(
  length: number,
  { imageSize, channels }: Pick<SquareViTConfig, 'imageSize' | 'channels'> = smallConfig,
  seed = 7,
) {
  const rng = createRng(seed)
  const size = imageSize * imageSize * channels
  const patterns = Array.from({ length: 3 }, () => Float32Array.from({ length: size }, () => rng.normal()))
  const pixels = Array.from({ length }, () => {
    const weights = patterns.map(() => rng.normal())
    return Float32Array.from(
      { length: size },
      (_, i) => 0.05 * rng.normal() + patterns.reduce((sum, pattern, k) => sum + weights[k]! * pattern[i]!, 0),
    )
  })
  return sourceOf({
    length,
    classes: ['a', 'b', 'c'],
    images(indices) {
      const batch = new Float32Array(indices.length * size)
      for (let i = 0; i < indices.length; i++) batch.set(pixels[indices[i]!]!, i * size)
      return tensor4d(batch, [indices.length, imageSize, imageSize, channels])
    },
    labels: (indices) => Array.from(indices, () => 0),
  })
}

/** |a - b| / |b| in the Euclidean norm. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const norm = (value: (i: number) => number) => Math.sqrt(Array.from(b).reduce((sum, _, i) => sum + value(i) ** 2, 0))
  return norm((i) => a[i]! - b[i]!) / norm((i) => b[i]!)
}

/** A matrix of standard normal values. */
export function random(rows: number, columns: number, seed: number): Matrix64 {
  const rng = createRng(seed)
  return matrixOf(Float64Array.from({ length: rows * columns }, () => rng.normal()), rows, columns) // biome-ignore format: one value
}
