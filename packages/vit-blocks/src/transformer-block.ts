import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Block, BlockContext } from '@learngene/interfaces/tensors'
import { type Activation, activations, attention, type LinearOptions, layerNormWithSkip, linear, mlp } from '@learngene/ops'
import { add, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { choiceIn, integerIn, numberIn } from './config.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

export interface TransformerBlockConfig {
  /** D */
  readonly width: number
  /** H; must divide the width where `headWidth` is not given. */
  readonly heads: number
  /** Dh, of queries, keys and values; default D / H. */
  readonly headWidth?: number
  /** Hidden width of the MLP as a multiple of D; 4 in ViT and DeiT. */
  readonly mlpRatio?: number
  /** Of both layer norms; ViT and DeiT weights are trained with 1e-6. */
  readonly epsilon?: number
  /** Of the MLP; default the exact `gelu` of ViT and DeiT. */
  readonly activation?: Activation
}

/**
 * The pre-norm encoder block of ViT (Dosovitskiy et al. 2021, arXiv 2010.11929): x += proj(attention(LN(x))), x += fc2(gelu(fc1(LN(x)))).
 * Parameter names are timm's; with A = H Dh, which is D unless told otherwise, qkv is [3A, D] and proj [D, A]. Records `attn`, the attention module's output before the residual [B, N, D].
 *
 * @param read where `forward` takes its weights from; default the block's own parameters
 * @throws when a size is not positive, the heads do not divide the width and have no width of their own, or the activation is unknown
 */
export function createTransformerBlock(config: JsonObject | TransformerBlockConfig, rng: Rng, read?: ReadWeight): Block {
  const width = integerIn(config, 'width')
  const heads = integerIn(config, 'heads')
  const mlpRatio = numberIn(config, 'mlpRatio', 4)
  const epsilon = numberIn(config, 'epsilon', 1e-6)
  const activation = choiceIn(config, 'activation', activations, 'gelu')
  if (config.headWidth === undefined && width % heads !== 0) {
    throw new Error(`transformer block: heads must divide the width; got width ${width} and ${heads} heads`)
  }
  const headWidth = integerIn(config, 'headWidth', width / heads)
  const attended = heads * headWidth
  const hidden = integerIn({ hidden: Math.round(width * mlpRatio) }, 'hidden')
  const parameters = {
    'norm1.weight': constant(1, [width]),
    'norm1.bias': constant(0, [width]),
    'attn.qkv.weight': truncatedNormal(rng, [3 * attended, width]),
    'attn.qkv.bias': constant(0, [3 * attended]),
    'attn.proj.weight': truncatedNormal(rng, [width, attended]),
    'attn.proj.bias': constant(0, [width]),
    'norm2.weight': constant(1, [width]),
    'norm2.bias': constant(0, [width]),
    'mlp.fc1.weight': truncatedNormal(rng, [hidden, width]),
    'mlp.fc1.bias': constant(0, [hidden]),
    'mlp.fc2.weight': truncatedNormal(rng, [width, hidden]),
    'mlp.fc2.bias': constant(0, [width]),
  }
  const weight = read ?? ((name) => parameters[name as keyof typeof parameters])
  const matrix = (name: `${string}.weight` & keyof typeof parameters) => weight(name) as Tensor2D
  const vector = (name: keyof typeof parameters) => weight(name) as Tensor1D
  /** Of the bias of q | k | v: softmax ignores what all keys share. */
  const keyThird = { begin: attended, end: 2 * attended }
  return {
    kind: 'transformer',
    config: {
      width,
      heads,
      mlpRatio,
      epsilon,
      ...(attended !== width && { headWidth }),
      ...(activation !== 'gelu' && { activation }),
    },
    inputWidth: width,
    outputWidth: width,
    parameters,
    macs: (tokens) => tokens * (4 * width * attended + 2 * width * hidden + 2 * tokens * attended + 10 * width),
    liveFloats: (tokens) => tokens * Math.max(width + 4 * attended + heads * tokens, 2 * width + 3 * attended, 2 * (width + hidden)),
    forward(x: Tensor3D, context: BlockContext): Tensor3D {
      const { middle, change } = tidy(() => {
        const { skip, normalised } = layerNormWithSkip(x, vector('norm1.weight'), vector('norm1.bias'), epsilon) // [B, N, D]
        const qkv = linear(normalised, matrix('attn.qkv.weight'), vector('attn.qkv.bias'), { frozenBias: keyThird }) // [B, N, 3A]
        const attended = attention(qkv, heads) // [B, N, A]
        const project = (options?: LinearOptions) => linear(attended, matrix('attn.proj.weight'), vector('attn.proj.bias'), options) // [B, N, D]
        if (!context.record) return { middle: project({ residual: skip }) }
        const change = project()
        return { middle: add(skip, change) as Tensor3D, change }
      })
      if (change) context.record?.('attn', change)
      return tidy(() => {
        const { skip, normalised } = layerNormWithSkip(middle, vector('norm2.weight'), vector('norm2.bias'), epsilon) // [B, N, D]
        const perceptron = {
          weight1: matrix('mlp.fc1.weight'),
          bias1: vector('mlp.fc1.bias'),
          weight2: matrix('mlp.fc2.weight'),
          bias2: vector('mlp.fc2.bias'),
        }
        return mlp(normalised, perceptron, { activation, residual: skip }) // [B, N, D]
      })
    },
  }
}
