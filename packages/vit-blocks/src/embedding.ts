import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { flattenPatchWeight, layerNorm, linear, patchify } from '@learngene/ops'
import { add, concat, mul, ones, reshape, type Tensor1D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { countIn, flagIn, integerIn, numberIn } from './config.js'
import { geometryIn, gridOf, type ImageGeometry, sidesOf } from './geometry.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

/** Turns images into tokens: patch embedding, the prefix tokens before it, learned position embedding of all. */
export interface Embedding extends Required<Omit<EmbeddingOptions, 'epsilon' | 'read'>> {
  readonly geometry: ImageGeometry
  /** D */
  readonly width: number
  /** N = prefix tokens + patches */
  readonly tokens: number
  /** Tokens before the patches: class token, distillation token, registers, in this order, as many as there are of each. */
  readonly prefixTokens: number
  readonly parameters: Parameters
  /** MACs of one image: patches x patch values x D, and 5 N D where there is a layer norm. */
  macs(): number
  /** Peak number of live floats during the embedding of one image, image and output included, parameters not. */
  liveFloats(): number
  /** [B, height, width, channels] -> patch tokens [B, P, D], before prefix tokens and positions. */
  patches(images: Tensor4D): Tensor3D
  /** [B, height, width, channels] -> [B, N, D] */
  forward(images: Tensor4D): Tensor3D
}

export interface EmbeddingOptions {
  /** Whether token 0 is a class token; default true. */
  readonly classToken?: boolean
  /** Whether a distillation token follows the class token (DeiT: Touvron et al. 2021, arXiv 2012.12877, section 4); default false. */
  readonly distillationToken?: boolean
  /** Number of register tokens (Darcet et al. 2024, arXiv 2309.16588), which stand after the others and before the patches; default 0. */
  readonly registerTokens?: number
  /** Whether a layer norm of all tokens, positions included, ends the embedding, as in CLIP (Radford et al. 2021, arXiv 2103.00020); default false. */
  readonly embeddingNorm?: boolean
  /** Of that layer norm; default 1e-6. */
  readonly epsilon?: number
  /** Where `forward` takes its weights from; default the part's own parameters. */
  readonly read?: ReadWeight
}

/** Tokens before the patches. */
export function prefixTokensOf({ classToken = true, distillationToken = false, registerTokens = 0 }: EmbeddingOptions): number {
  return (classToken ? 1 : 0) + (distillationToken ? 1 : 0) + registerTokens
}

/** @throws when a size is no positive integer, no patch fits into the image, or a distillation token has no class token before it */
export function createEmbedding(given: ImageGeometry, width: number, rng: Rng, options: EmbeddingOptions = {}): Embedding {
  const geometry = geometryIn(given)
  const { patchSize, channels } = geometry
  integerIn({ width }, 'width')
  const classToken = flagIn(options, 'classToken', true)
  const distillationToken = flagIn(options, 'distillationToken', false)
  const registerTokens = countIn(options, 'registerTokens', 0)
  const embeddingNorm = flagIn(options, 'embeddingNorm', false)
  const epsilon = numberIn(options, 'epsilon', 1e-6)
  if (distillationToken && !classToken) throw new Error('embedding: a distillation token follows a class token; there is none')
  const [height, breadth] = sidesOf(geometry.imageSize)
  const [p, q] = sidesOf(patchSize)
  const [rows, columns] = gridOf(geometry)
  const count = rows * columns
  const prefixTokens = prefixTokensOf({ classToken, distillationToken, registerTokens })
  const tokens = prefixTokens + count
  const patchValues = p * q * channels
  const parameters: Parameters = {
    ...(classToken && { cls_token: truncatedNormal(rng, [1, 1, width]) }),
    pos_embed: truncatedNormal(rng, [1, tokens, width]),
    ...(distillationToken && { dist_token: truncatedNormal(rng, [1, 1, width]) }),
    ...(registerTokens > 0 && { reg_token: truncatedNormal(rng, [1, registerTokens, width]) }),
    'patch_embed.proj.weight': truncatedNormal(rng, [width, channels, p, q]),
    'patch_embed.proj.bias': constant(0, [width]),
    ...(embeddingNorm && { 'norm_pre.weight': constant(1, [width]), 'norm_pre.bias': constant(0, [width]) }),
  }
  const weight = options.read ?? ((name: string) => parameters[name]!)
  const prefix = ['cls_token', 'dist_token', 'reg_token'].filter((name) => parameters[name] !== undefined)
  const vector = (name: string) => weight(name) as Tensor1D
  const patches = (images: Tensor4D): Tensor3D => {
    const [, h, w, c] = images.shape
    if (h !== height || w !== breadth || c !== channels) {
      throw new Error(
        `embedding: images must be [B, ${height}, ${breadth}, ${channels}] (batch, height, width, channels); got [${images.shape.join(', ')}]`,
      )
    }
    return tidy(() => {
      const matrix = flattenPatchWeight(weight('patch_embed.proj.weight') as Tensor4D) // [D, p q c]
      const embedded = linear(patchify(images, [p, q]), matrix, vector('patch_embed.proj.bias'), { inputGradient: false }) // [B P, D]
      return reshape(embedded, [images.shape[0], count, width]) // [B, P, D]
    })
  }
  return {
    geometry,
    width,
    tokens,
    prefixTokens,
    classToken,
    distillationToken,
    registerTokens,
    embeddingNorm,
    parameters,
    macs: () => count * patchValues * width + (embeddingNorm ? 5 * tokens * width : 0),
    liveFloats: () => height * breadth * channels + Math.max(count * (patchValues + width), 2 * tokens * width),
    patches,
    forward: (images) =>
      tidy(() => {
        const each = ones([images.shape[0], 1, 1])
        const first = prefix.map((token) => mul(each, weight(token)) as Tensor3D) // [B, 1, D] each, registers [B, R, D]
        const embedded = patches(images) // [B, P, D]
        const all = first.length > 0 ? concat([...first, embedded], 1) : embedded // [B, N, D]
        const placed = add(all, weight('pos_embed')) as Tensor3D // [B, N, D]
        return embeddingNorm ? layerNorm(placed, vector('norm_pre.weight'), vector('norm_pre.bias'), epsilon) : placed // [B, N, D]
      }),
  }
}
