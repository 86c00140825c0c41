import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { type Activation, activations, batchProduct, layerNorm, linear, mlp } from '@learngene/ops'
import {
  addN,
  clone,
  concat,
  mean,
  mul,
  ones,
  reshape,
  slice,
  softmax,
  split,
  stack,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core'
import { choiceIn, countIn, flagIn, integerIn, numberIn } from './config.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

/**
 * What a network classifies by: `token`, token 0; `average`, the mean of the patches, prefix tokens left out; `tokenAverage`, both side by side [2D], as DINOv2's
 * classifiers; `attention`, one vector that attends to the patches, as SigLIP.
 */
export type Pooling = 'token' | 'average' | 'tokenAverage' | 'attention'

export const poolings: readonly Pooling[] = ['token', 'average', 'tokenAverage', 'attention']

/** Turns tokens into logits. Whoever composes networks uses these members only and never asks for a head's kind. */
export interface Head {
  /** The name under which its factory is registered; stored in files. That of ViTs is `linear`. */
  readonly kind: string
  /** All that the factory needs besides its place to build it again, without weights. */
  readonly config: JsonObject
  /** D */
  readonly width: number
  /** C; 0 where there is no classifier. */
  readonly classes: number
  /** Of the final layer norm. */
  readonly epsilon: number
  /** Width of what is classified. */
  readonly pooledWidth: number
  readonly parameters: Parameters
  /** Names of the parameters that are drawn afresh for other classes: those of the linear maps to the logits. */
  readonly classifier: readonly string[]
  /** How it reads the stream, where that is by one layer norm and linear maps behind it; without it a network cannot be inherited. */
  readonly reads?: HeadReads
  /** The final layer norm: of all tokens, as the reference implementations run it, 5 N D; after pooling 5 D. */
  normaliseMacs(tokens: number): number
  /** Multiply-accumulates of one image: the final layer norm and all behind it. */
  macs(tokens: number): number
  liveFloats(tokens: number): number
  /** The final layer norm of all tokens [B, N, D] -> [B, N, D]; the tokens as they are where it follows the pooling. */
  normalise(x: Tensor3D): Tensor3D
  /** What the maps classify by: [B, N, D] -> [B, 1, pooled width], [B, 2, D] with a distillation head. */
  pool(x: Tensor3D): Tensor3D
  /** [B, N, D] -> logits [B, C]. Normalises only the tokens that it classifies by: the others do not reach the logits. */
  forward(x: Tensor3D): Tensor2D
}

export interface HeadReads {
  /** The layer norm: its gamma and beta are the parameters `NORM.weight` and `NORM.bias` [D]. */
  readonly norm: string
  /** The linear maps that read what it gives and are all that reads it: parameters `MAP.weight` [out, D or a multiple] and `MAP.bias` [out]. */
  readonly maps: readonly string[]
  /** What the norm is applied to of all that the maps read: [B, N, D] -> [B, n, D]. */
  tokens(x: Tensor3D): Tensor3D
}

/** Builds a head with freshly initialised parameters. Must not depend on anything but its arguments. */
export type HeadFactory = (config: JsonObject, place: HeadPlace, rng: Rng) => Head

export interface HeadPlace {
  /** D */
  readonly width: number
  /** C; 0 where there shall be no classifier. */
  readonly classes: number
  /** Of the layer norms. */
  readonly epsilon: number
  /** Tokens before the patches. */
  readonly prefixTokens: number
}

export interface HeadOptions {
  /** Whether a second linear map classifies by the distillation token; default false. */
  readonly distillationHead?: boolean
  /** Default `token`. */
  readonly pooling?: Pooling
  /** Tokens before the patches, which no average and no attention pooling sees; default 1. */
  readonly prefixTokens?: number
  /** Whether the final layer norm follows the pooling; only with `average`. Default false. */
  readonly normAfterPooling?: boolean
  /** Of the pooling `attention`. */
  readonly attentionPool?: AttentionPoolConfig
  /** Where `forward` takes its weights from; default the part's own parameters. */
  readonly read?: ReadWeight
}

/**
 * The head of ViTs classifies by one vector: final layer norm, pooling, then a linear map of C times the pooled width. With a distillation head, token 1 has a map of its own and both logits are
 * averaged. Without classes there is no map and there are no logits: such a network gives features alone.
 *
 * @throws when width or epsilon is not positive, classes is negative, or the options do not go together
 */
export function createHead(width: number, classes: number, rng: Rng, epsilon = 1e-6, options: HeadOptions = {}): Head {
  integerIn({ width }, 'width')
  countIn({ classes }, 'classes')
  numberIn({ epsilon }, 'epsilon')
  const distillationHead = flagIn(options, 'distillationHead', false)
  const pooling = choiceIn(options, 'pooling', poolings, 'token')
  const prefixTokens = countIn(options, 'prefixTokens', 1)
  const normAfterPooling = flagIn(options, 'normAfterPooling', false)
  checkTogether({ distillationHead, pooling, prefixTokens, normAfterPooling, classes }, options)
  const pooledWidth = pooling === 'tokenAverage' ? 2 * width : (options.attentionPool?.width ?? width)
  const attend = options.attentionPool && createAttentionPool(width, options.attentionPool, rng, epsilon)
  const norm = normAfterPooling ? 'fc_norm' : 'norm'
  const maps = classes === 0 ? [] : distillationHead ? ['head', 'head_dist'] : ['head']
  const parameters: Parameters = {
    [`${norm}.weight`]: constant(1, [width]),
    [`${norm}.bias`]: constant(0, [width]),
    ...attend?.parameters,
    ...Object.assign(
      {},
      ...maps.map((map) => ({
        [`${map}.weight`]: truncatedNormal(rng, [classes, pooledWidth]),
        [`${map}.bias`]: constant(0, [classes]),
      })),
    ),
  }
  const weight = options.read ?? ((name: string) => parameters[name]!)
  const vector = (name: string) => weight(name) as Tensor1D
  const normaliseAny = <T extends Tensor2D | Tensor3D>(x: T): T =>
    tidy(() => layerNorm(x, vector(`${norm}.weight`), vector(`${norm}.bias`), epsilon))

  const tokenOf = (x: Tensor3D, token: number) =>
    normaliseAny(reshape(slice(x, [0, token, 0], [x.shape[0], 1, width]), [x.shape[0], width]) as Tensor2D) // [B, D]
  const patchesOf = (x: Tensor3D) =>
    prefixTokens === 0 ? x : slice(x, [0, prefixTokens, 0], [x.shape[0], x.shape[1] - prefixTokens, width]) // [B, P, D]
  const averageOf = (x: Tensor3D) =>
    normAfterPooling ? normaliseAny(mean<Tensor2D>(patchesOf(x), 1)) : mean<Tensor2D>(normaliseAny(patchesOf(x)), 1) // [B, D]
  const pooled: { readonly [pooling in Pooling]: (x: Tensor3D, token: number) => Tensor2D } = {
    token: tokenOf,
    average: averageOf,
    tokenAverage: (x) => concat([tokenOf(x, 0), averageOf(x)], 1), // [B, 2D]
    attention: (x) => attend!.forward(normaliseAny(patchesOf(x))), // [B, D]
  }
  const poolOne = (x: Tensor3D, token: number) => tidy(() => pooled[pooling](x, token)) // [B, pooled width]

  const normaliseMacs = (tokens: number) => 5 * (normAfterPooling ? 1 : tokens) * width
  const tokensRead: { readonly [pooling in Pooling]: (x: Tensor3D) => Tensor3D } = {
    token: (x) => slice(x, [0, 0, 0], [x.shape[0], distillationHead ? 2 : 1, width]),
    average: (x) => (normAfterPooling ? mean<Tensor3D>(patchesOf(x), 1, true) : patchesOf(x)),
    tokenAverage: clone,
    attention: patchesOf,
  }
  return {
    kind: 'linear',
    config: {
      ...(distillationHead && { distillationHead }),
      ...(pooling !== 'token' && { pooling }),
      ...(normAfterPooling && { normAfterPooling }),
      ...(attend && { attentionPool: { ...attend.config } }),
    },
    width,
    classes,
    epsilon,
    pooledWidth,
    parameters,
    classifier: maps.flatMap((map) => [`${map}.weight`, `${map}.bias`]),
    reads: { norm, maps: attend ? ['attn_pool.kv'] : maps, tokens: (x) => tidy(() => tokensRead[pooling](x)) },
    normaliseMacs,
    macs: (tokens) => normaliseMacs(tokens) + (attend?.macs(tokens - prefixTokens) ?? 0) + maps.length * classes * pooledWidth,
    liveFloats: (tokens) => tokens * width + liveBesideInput(tokens),
    normalise: (x) => (normAfterPooling ? clone(x) : normaliseAny(x)),
    pool: (x) =>
      tidy(() => {
        const vectors = Array.from({ length: distillationHead ? 2 : 1 }, (_, token) => poolOne(x, token))
        return stack(vectors, 1) as Tensor3D
      }),
    forward: (x) =>
      tidy(() => {
        if (classes === 0) return zeros([x.shape[0], 0]) as Tensor2D
        const logits = maps.map((map, token) => linear(poolOne(x, token), weight(`${map}.weight`) as Tensor2D, vector(`${map}.bias`))) // [B, C] each
        return logits.length === 1 ? logits[0]! : (mul(addN(logits), 1 / logits.length) as Tensor2D) // [B, C]
      }),
  }

  /** Of one image, operation by operation: patches are cut out only where there are prefix tokens. */
  function liveBesideInput(tokens: number): number {
    const patches = (tokens - prefixTokens) * width
    const cut = prefixTokens === 0 ? 0 : patches
    const classified = pooledWidth + classes
    switch (pooling) {
      case 'token':
        return distillationHead ? classes + 2 * Math.max(width, classes) : width + Math.max(width, classes)
      case 'average':
        return normAfterPooling ? Math.max(cut + width, 2 * width, classified) : Math.max(cut + patches, patches + width, classified)
      case 'tokenAverage':
        return Math.max(2 * width, width + cut + patches, 2 * width + patches, 4 * width, classified)
      case 'attention':
        return Math.max(cut + patches, attend!.liveFloats(tokens - prefixTokens), classified)
    }
  }
}

function checkTogether(
  given: {
    readonly distillationHead: boolean
    readonly pooling: Pooling
    readonly prefixTokens: number
    readonly normAfterPooling: boolean
    readonly classes: number
  },
  { attentionPool }: HeadOptions,
): void {
  const { distillationHead, pooling, prefixTokens, normAfterPooling, classes } = given
  const rules: readonly (readonly [boolean, string])[] = [
    [(pooling === 'token' || pooling === 'tokenAverage') && prefixTokens === 0, `the pooling '${pooling}' needs a class token`],
    [distillationHead && pooling !== 'token', `a distillation head reads tokens; the pooling is '${pooling}'`],
    [distillationHead && classes === 0, 'a distillation head needs classes'],
    [normAfterPooling && pooling !== 'average', `a layer norm after pooling goes with the pooling 'average'; got '${pooling}'`],
    [(pooling === 'attention') !== (attentionPool !== undefined), "the pooling 'attention' and its attentionPool { heads } go together"],
  ]
  const broken = rules.find(([is]) => is)
  if (broken) throw new Error(`head: ${broken[1]}`)
}

export interface AttentionPoolConfig {
  /** D_a, of what attends and is classified by; default that of the tokens. */
  readonly width?: number
  /** H; must divide D_a. */
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
  /** For n tokens: 2 n D D_a keys and values, 2 D_a^2 query and projection, 2 n D_a attention, 5 D_a layer norm, 2 D_a M MLP. */
  macs(tokens: number): number
  /** Peak number of live floats for one image, input and output included, parameters not. */
  liveFloats(tokens: number): number
  /** [B, n, D] -> [B, D_a] */
  forward(x: Tensor3D): Tensor2D
}

/**
 * Attention pooling as in SigLIP (Zhai et al. 2023, arXiv 2303.15343): z = proj(attention(latent, x)), then z + fc2(activation(fc1(LN(z)))). Parameter names are
 * timm's.
 *
 * @throws when a size is not positive or the heads do not divide the width
 */
export function createAttentionPool(inputWidth: number, given: AttentionPoolConfig, rng: Rng, epsilon: number): AttentionPool {
  const width = integerIn({ width: given.width ?? inputWidth }, 'width')
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
    'attn_pool.kv.weight': truncatedNormal(rng, [2 * width, inputWidth]),
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
  /** [B, n, D_a] -> [B H, n, Dh] */
  const separate = (x: Tensor3D): Tensor3D => {
    const [images, n] = x.shape
    const byHead = transpose(reshape(x, [images, n, heads, headWidth]), [0, 2, 1, 3]) // [B, H, n, Dh]
    return reshape(byHead, [images * heads, n, headWidth])
  }
  return {
    config: { ...(width !== inputWidth && { width }), heads, mlpRatio, ...(activation !== 'gelu' && { activation }) },
    parameters,
    macs: (tokens) => 2 * tokens * width * (inputWidth + 1) + 2 * width * (width + hidden) + 5 * width,
    liveFloats: (tokens) =>
      Math.max(tokens * (inputWidth + 2 * width), 2 * tokens * width + 2 * width + heads * tokens, 2 * width + 2 * hidden, 3 * width),
    forward: (x) =>
      tidy(() => {
        const [images] = x.shape
        const [keys, values] = split(linear(x, matrix('attn_pool.kv.weight'), vector('attn_pool.kv.bias')), 2, 2) as [Tensor3D, Tensor3D] // [B, n, D_a]
        const latent = reshape(parameters['attn_pool.latent'], [1, width]) as Tensor2D
        const query = linear(latent, matrix('attn_pool.q.weight'), vector('attn_pool.q.bias')) // [1, D_a]
        const queries = separate(mul(ones([images, 1, 1]), query) as Tensor3D) // [B H, 1, Dh]
        const scores = mul(batchProduct(queries, separate(keys), false, true), headWidth ** -0.5) as Tensor3D // [B H, 1, n]
        const mixed = reshape(batchProduct(softmax(scores), separate(values)), [images, width]) as Tensor2D // [B, D_a]
        const attended = linear(mixed, matrix('attn_pool.proj.weight'), vector('attn_pool.proj.bias')) // [B, D_a]
        const normalised = layerNorm(attended, vector('attn_pool.norm.weight'), vector('attn_pool.norm.bias'), epsilon) // [B, D_a]
        return mlp(normalised, perceptron, { activation, residual: attended }) // [B, D_a]
      }),
  }
}
