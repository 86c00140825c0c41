import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { flattenPatchWeight, layerNorm, linear, patchify } from '@learngene/ops'
import { add, concat, mul, ones, reshape, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { countIn, flagIn, integerIn, numberIn } from './config.js'
import { geometryIn, gridOf, type ImageGeometry, sidesOf } from './geometry.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

/** Turns images into tokens. Whoever composes networks uses these members only and never asks for an embedding's kind. */
export interface Embedding {
  /** The name under which its factory is registered; stored in files. That of ViTs is `patches`. */
  readonly kind: string
  /** All that the factory needs besides geometry and width to build it again, without weights. */
  readonly config: JsonObject
  readonly geometry: ImageGeometry
  /** D */
  readonly width: number
  /** N = prefix tokens + patches */
  readonly tokens: number
  /** Tokens before the patches, which no average and no attention pooling sees. */
  readonly prefixTokens: number
  readonly parameters: Parameters
  /**
   * By parameter the axis along which the D directions of the output lie, its first or its last, where the output is linear in all of them together: then it can be
   * brought to other directions and fewer. An embedding that does not say so is inherited whole, with a linear map behind it.
   */
  readonly writes?: { readonly [parameter: string]: number }
  /** D_e, where the embedding is of this width and a linear map leads to D; undefined otherwise. */
  readonly projectedFrom?: number
  /** Multiply-accumulates of one image. */
  macs(): number
  /** Peak number of live floats during the embedding of one image, image and output included, parameters not. */
  liveFloats(): number
  /** [B, height, width, channels] -> patch tokens [B, P, D], before prefix tokens and positions. */
  patches(images: Tensor4D): Tensor3D
  /** [B, height, width, channels] -> [B, N, D] */
  forward(images: Tensor4D): Tensor3D
}

/** Builds an embedding with freshly initialised parameters. Must not depend on anything but its arguments. */
export type EmbeddingFactory = (config: JsonObject, place: EmbeddingPlace, rng: Rng) => Embedding

export interface EmbeddingPlace {
  readonly geometry: ImageGeometry
  /** D */
  readonly width: number
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

/** Tokens before the patches of an embedding of ViTs. */
export function prefixTokensOf({ classToken = true, distillationToken = false, registerTokens = 0 }: EmbeddingOptions): number {
  return (classToken ? 1 : 0) + (distillationToken ? 1 : 0) + registerTokens
}

/**
 * The embedding of ViTs: patch embedding, before it class token, distillation token and registers, in this order, as many as there are of each, learned position
 * embedding of all. MACs: patches x patch values x D, and 5 N D where there is a layer norm.
 *
 * @throws when a size is no positive integer, no patch fits into the image, or a distillation token has no class token before it
 */
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
  const axes = Object.entries(parameters).map(([name, { rank }]) => [name, name.startsWith('patch_embed.') ? 0 : rank - 1] as const)
  return {
    kind: 'patches',
    config: {
      ...(!classToken && { classToken }),
      ...(distillationToken && { distillationToken }),
      ...(registerTokens > 0 && { registerTokens }),
      ...(embeddingNorm && { embeddingNorm }),
    },
    geometry,
    width,
    tokens,
    prefixTokens,
    parameters,
    ...(!embeddingNorm && { writes: Object.fromEntries(axes) }),
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

/**
 * An embedding of another width, D_e, and a linear map behind it: [B, N, D_e] -> [B, N, D]. What an embedding becomes in an inherited network that it does not say for how it writes
 * its directions, because a layer norm ends it, for example. MACs: the embedding's and N D_e D.
 */
export function projectedEmbedding(inner: Embedding, width: number, rng: Rng): Embedding {
  integerIn({ width }, 'width')
  const weight = truncatedNormal(rng, [width, inner.width])
  const bias = constant(0, [width])
  const { geometry, kind, config, tokens, prefixTokens } = inner
  return {
    kind,
    config,
    geometry,
    width,
    tokens,
    prefixTokens,
    parameters: { ...inner.parameters, 'embed_proj.weight': weight, 'embed_proj.bias': bias },
    writes: { 'embed_proj.weight': 0, 'embed_proj.bias': 0 },
    projectedFrom: inner.width,
    macs: () => inner.macs() + tokens * inner.width * width,
    liveFloats: () => Math.max(inner.liveFloats(), tokens * (inner.width + width)),
    patches: (images) => inner.patches(images),
    forward: (images) => tidy(() => linear(inner.forward(images), weight as unknown as Tensor2D, bias as unknown as Tensor1D)), // [B, N, D]
  }
}
