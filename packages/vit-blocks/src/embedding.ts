import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { flattenPatchWeight, linear, patchify } from '@learngene/ops'
import { add, concat, mul, ones, reshape, type Tensor1D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { integerIn } from './config.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

/** What an image is to a network. */
export interface ImageGeometry {
  /** Height and width in pixels. */
  readonly imageSize: number
  /** Pixels; must divide the image size. */
  readonly patchSize: number
  /** 1 for grey, 3 for RGB. */
  readonly channels: number
}

/** Turns images into tokens: patch embedding, class token first, then the distillation token where there is one, learned position embedding. */
export interface Embedding {
  readonly geometry: ImageGeometry
  /** D */
  readonly width: number
  /** N = patches + 1, or + 2 with a distillation token */
  readonly tokens: number
  /** Whether token 1 is a distillation token (DeiT: Touvron et al. 2021, arXiv 2012.12877, section 4). */
  readonly distillationToken: boolean
  readonly parameters: Parameters
  /** MACs of one image: patches x patch values x D. */
  macs(): number
  /** Peak number of live floats during the embedding of one image, image and output included, parameters not. */
  liveFloats(): number
  /** [B, height, width, channels] -> patch tokens [B, P, D], before class token and positions. */
  patches(images: Tensor4D): Tensor3D
  /** [B, height, width, channels] -> [B, N, D] */
  forward(images: Tensor4D): Tensor3D
}

export interface EmbeddingOptions {
  /** Whether a distillation token follows the class token; default false. */
  readonly distillationToken?: boolean
  /** Where `forward` takes its weights from; default the part's own parameters. */
  readonly read?: ReadWeight
}

/** @throws when a size is no positive integer or the patch size does not divide the image size */
export function createEmbedding(
  geometry: ImageGeometry,
  width: number,
  rng: Rng,
  { distillationToken = false, read }: EmbeddingOptions = {},
): Embedding {
  const imageSize = integerIn(geometry, 'imageSize')
  const patchSize = integerIn(geometry, 'patchSize')
  const channels = integerIn(geometry, 'channels')
  integerIn({ width }, 'width')
  if (imageSize % patchSize !== 0) {
    throw new Error(`embedding: the patch size must divide the image size; got image ${imageSize} and patch ${patchSize}`)
  }
  const count = (imageSize / patchSize) ** 2
  const tokens = count + (distillationToken ? 2 : 1)
  const patchValues = patchSize * patchSize * channels
  const parameters: Parameters = {
    cls_token: truncatedNormal(rng, [1, 1, width]),
    pos_embed: truncatedNormal(rng, [1, tokens, width]),
    ...(distillationToken && { dist_token: truncatedNormal(rng, [1, 1, width]) }),
    'patch_embed.proj.weight': truncatedNormal(rng, [width, channels, patchSize, patchSize]),
    'patch_embed.proj.bias': constant(0, [width]),
  }
  const weight = read ?? ((name) => parameters[name]!)
  const leading = distillationToken ? ['cls_token', 'dist_token'] : ['cls_token']
  const patches = (images: Tensor4D): Tensor3D => {
    const [, height, breadth, depth] = images.shape
    if (height !== imageSize || breadth !== imageSize || depth !== channels) {
      throw new Error(
        `embedding: images must be [B, ${imageSize}, ${imageSize}, ${channels}] (batch, height, width, channels); got [${images.shape.join(', ')}]`,
      )
    }
    return tidy(() => {
      const matrix = flattenPatchWeight(weight('patch_embed.proj.weight') as Tensor4D) // [D, p p c]
      const bias = weight('patch_embed.proj.bias') as Tensor1D
      const embedded = linear(patchify(images, patchSize), matrix, bias, { inputGradient: false }) // [B P, D]
      return reshape(embedded, [images.shape[0], count, width]) // [B, P, D]
    })
  }
  return {
    geometry: { imageSize, patchSize, channels },
    width,
    tokens,
    distillationToken,
    parameters,
    macs: () => count * patchValues * width,
    liveFloats: () => count * patchValues + Math.max(count * (patchValues + width), 2 * tokens * width),
    patches,
    forward: (images) =>
      tidy(() => {
        const each = ones([images.shape[0], 1, 1])
        const first = leading.map((token) => mul(each, weight(token)) as Tensor3D) // [B, 1, D] each
        return add(concat([...first, patches(images)], 1), weight('pos_embed')) as Tensor3D // [B, N, D]
      }),
  }
}
