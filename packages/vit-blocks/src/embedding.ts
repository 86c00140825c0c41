import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { flattenPatchWeight, linear, patchify } from '@learngene/ops'
import { add, concat, mul, ones, reshape, type Tensor1D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { integerIn } from './config.js'
import { constant, truncatedNormal } from './parameters.js'

/** What an image is to a network. */
export interface ImageGeometry {
  /** Height and width in pixels. */
  readonly imageSize: number
  /** Pixels; must divide the image size. */
  readonly patchSize: number
  /** 1 for grey, 3 for RGB. */
  readonly channels: number
}

/** Turns images into tokens: patch embedding, class token first, learned position embedding. */
export interface Embedding {
  readonly geometry: ImageGeometry
  /** D */
  readonly width: number
  /** N = patches + 1 */
  readonly tokens: number
  readonly parameters: Parameters
  /** MACs of one image: patches x patch values x D. */
  macs(): number
  /** Peak number of live floats during the embedding of one image, image and output included, parameters not. */
  liveFloats(): number
  /** [B, height, width, channels] -> patch tokens [B, N-1, D], before class token and positions. */
  patches(images: Tensor4D): Tensor3D
  /** [B, height, width, channels] -> [B, N, D] */
  forward(images: Tensor4D): Tensor3D
}

/** @throws when a size is no positive integer or the patch size does not divide the image size */
export function createEmbedding(geometry: ImageGeometry, width: number, rng: Rng): Embedding {
  const imageSize = integerIn(geometry, 'imageSize')
  const patchSize = integerIn(geometry, 'patchSize')
  const channels = integerIn(geometry, 'channels')
  integerIn({ width }, 'width')
  if (imageSize % patchSize !== 0) {
    throw new Error(`embedding: the patch size must divide the image size; got image ${imageSize} and patch ${patchSize}`)
  }
  const count = (imageSize / patchSize) ** 2
  const patchValues = patchSize * patchSize * channels
  const parameters = {
    cls_token: truncatedNormal(rng, [1, 1, width]),
    pos_embed: truncatedNormal(rng, [1, count + 1, width]),
    'patch_embed.proj.weight': truncatedNormal(rng, [width, channels, patchSize, patchSize]),
    'patch_embed.proj.bias': constant(0, [width]),
  }
  const patches = (images: Tensor4D): Tensor3D => {
    const [, height, breadth, depth] = images.shape
    if (height !== imageSize || breadth !== imageSize || depth !== channels) {
      throw new Error(
        `embedding: images must be [B, ${imageSize}, ${imageSize}, ${channels}] (batch, height, width, channels); got [${images.shape.join(', ')}]`,
      )
    }
    return tidy(() => {
      const weight = flattenPatchWeight(parameters['patch_embed.proj.weight'] as unknown as Tensor4D) // [D, p p c]
      const bias = parameters['patch_embed.proj.bias'] as unknown as Tensor1D
      const embedded = linear(patchify(images, patchSize), weight, bias, { inputGradient: false }) // [B (N-1), D]
      return reshape(embedded, [images.shape[0], count, width]) // [B, N-1, D]
    })
  }
  return {
    geometry: { imageSize, patchSize, channels },
    width,
    tokens: count + 1,
    parameters,
    macs: () => count * patchValues * width,
    liveFloats: () => count * patchValues + Math.max(count * (patchValues + width), 2 * (count + 1) * width),
    patches,
    forward: (images) =>
      tidy(() => {
        const classTokens = mul(ones([images.shape[0], 1, 1]), parameters.cls_token) as Tensor3D // [B, 1, D]
        return add(concat([classTokens, patches(images)], 1), parameters.pos_embed) as Tensor3D // [B, N, D]
      }),
  }
}
