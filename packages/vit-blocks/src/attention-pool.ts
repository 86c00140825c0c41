import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { type Activation, activations, batchProduct, layerNorm, linear, mlp } from '@learngene/ops'
import { mul, ones, reshape, softmax, split, type Tensor1D, type Tensor2D, type Tensor3D, tidy, transpose } from '@tensorflow/tfjs-core'
import { choiceIn, integerIn, numberIn } from './config.js'
import { constant, truncatedNormal } from './parameters.js'

export interface AttentionPoolConfig {
  /** H; must divide the width. */
  readonly heads: number
  /** Hidden width of the MLP as a multiple of D; default 4. */
  readonly mlpRatio?: number
  /** Of the MLP; default `gelu`. */
  readonly activation?: Activation
}

/** Sums tokens up by one that is learned and asks them all. */
export interface AttentionPool {
  readonly config: AttentionPoolConfig
  readonly parameters: Parameters
  /** For n tokens: 2 n D^2 keys and values, 2 D^2 query and projection, 2 n D attention, 5 D layer norm, 2 D M MLP. */
  macs(tokens: number): number
  /** Peak number of live floats for one image, input and output included, parameters not. */
  liveFloats(tokens: number): number
  /** [B, n, D] -> [B, D] */
  forward(x: Tensor3D): Tensor2D
}

/**
 * Attention pooling as in SigLIP (Zhai et al. 2023, arXiv 2303.15343): z = proj(attention(latent, x)), then z + fc2(activation(fc1(LN(z)))). Parameter names are
 * timm's.
 *
 * @throws when a size is not positive or the heads do not divide the width
 */
export function createAttentionPool(width: number, given: AttentionPoolConfig, rng: Rng, epsilon: number): AttentionPool {
  const heads = integerIn(given, 'heads')
  const mlpRatio = numberIn(given, 'mlpRatio', 4)
  const activation = choiceIn(given, 'activation', activations, 'gelu')
  if (width % heads !== 0) throw new Error(`attention pool: heads must divide the width; got width ${width} and ${heads} heads`)
  const headWidth = width / heads
  const hidden = integerIn({ hidden: Math.round(width * mlpRatio) }, 'hidden')
  const parameters = {
    'attn_pool.latent': truncatedNormal(rng, [1, 1, width]),
    'attn_pool.q.weight': truncatedNormal(rng, [width, width]),
    'attn_pool.q.bias': constant(0, [width]),
    'attn_pool.kv.weight': truncatedNormal(rng, [2 * width, width]),
    'attn_pool.kv.bias': constant(0, [2 * width]),
    'attn_pool.proj.weight': truncatedNormal(rng, [width, width]),
    'attn_pool.proj.bias': constant(0, [width]),
    'attn_pool.norm.weight': constant(1, [width]),
    'attn_pool.norm.bias': constant(0, [width]),
    'attn_pool.mlp.fc1.weight': truncatedNormal(rng, [hidden, width]),
    'attn_pool.mlp.fc1.bias': constant(0, [hidden]),
    'attn_pool.mlp.fc2.weight': truncatedNormal(rng, [width, hidden]),
    'attn_pool.mlp.fc2.bias': constant(0, [width]),
  }
  const matrix = (name: keyof typeof parameters) => parameters[name] as unknown as Tensor2D
  const vector = (name: keyof typeof parameters) => parameters[name] as unknown as Tensor1D
  const perceptron = {
    weight1: matrix('attn_pool.mlp.fc1.weight'),
    bias1: vector('attn_pool.mlp.fc1.bias'),
    weight2: matrix('attn_pool.mlp.fc2.weight'),
    bias2: vector('attn_pool.mlp.fc2.bias'),
  }
  /** [B, n, D] -> [B H, n, Dh] */
  const separate = (x: Tensor3D): Tensor3D => {
    const [images, n] = x.shape
    const byHead = transpose(reshape(x, [images, n, heads, headWidth]), [0, 2, 1, 3]) // [B, H, n, Dh]
    return reshape(byHead, [images * heads, n, headWidth])
  }
  return {
    config: { heads, mlpRatio, ...(activation !== 'gelu' && { activation }) },
    parameters,
    macs: (tokens) => 2 * tokens * width * (width + 1) + 2 * width * (width + hidden) + 5 * width,
    liveFloats: (tokens) =>
      Math.max(3 * tokens * width, 2 * tokens * width + 2 * width + heads * tokens, 2 * width + 2 * hidden, 3 * width),
    forward: (x) =>
      tidy(() => {
        const [images] = x.shape
        const [keys, values] = split(linear(x, matrix('attn_pool.kv.weight'), vector('attn_pool.kv.bias')), 2, 2) as [Tensor3D, Tensor3D] // [B, n, D]
        const latent = reshape(parameters['attn_pool.latent'], [1, width]) as Tensor2D
        const query = linear(latent, matrix('attn_pool.q.weight'), vector('attn_pool.q.bias')) // [1, D]
        const queries = separate(mul(ones([images, 1, 1]), query) as Tensor3D) // [B H, 1, Dh]
        const scores = mul(batchProduct(queries, separate(keys), false, true), headWidth ** -0.5) as Tensor3D // [B H, 1, n]
        const mixed = reshape(batchProduct(softmax(scores), separate(values)), [images, width]) as Tensor2D // [B, D]
        const attended = linear(mixed, matrix('attn_pool.proj.weight'), vector('attn_pool.proj.bias')) // [B, D]
        const normalised = layerNorm(attended, vector('attn_pool.norm.weight'), vector('attn_pool.norm.bias'), epsilon) // [B, D]
        return mlp(normalised, perceptron, { activation, residual: attended }) // [B, D]
      }),
  }
}
