import { layerNorm } from '@learngene/ops'
import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import type { Network } from '@learngene/vit-blocks'
import { mean, ones, slice, type Tensor1D, type Tensor3D, tidy, zeros } from '@tensorflow/tfjs-core'
import type { Values } from './values.js'

/** A linear map that reads a layer norm, with the norm's gamma and beta folded in: W diag(gamma), b + W beta. */
export function foldedReader(
  values: { readonly [name: string]: Float64Array },
  map: string,
  norm: string,
): { readonly weight: Matrix64; readonly bias: Float64Array } {
  const gamma = values[`${norm}.weight`]!
  const beta = values[`${norm}.bias`]!
  const width = gamma.length
  const weight = values[`${map}.weight`]!.slice()
  const bias = values[`${map}.bias`]!.slice()
  for (let row = 0; row < bias.length; row++) {
    for (let column = 0; column < width; column++) {
      bias[row]! += weight[row * width + column]! * beta[column]!
      weight[row * width + column]! *= gamma[column]!
    }
  }
  return { weight: matrixOf(weight, bias.length, width), bias }
}

/** What stays of a layer norm whose gamma and beta stand in what reads it, of a stream [B, N, D]. */
export function plainNorm(x: Tensor3D, epsilon: number): Tensor3D {
  const width = x.shape[2]
  return tidy(() => layerNorm(x, ones([width]) as Tensor1D, zeros([width]) as Tensor1D, epsilon))
}

/** The parameters of such a norm. */
export function plainNormValues(norm: string, width: number): Values {
  return {
    [`${norm}.weight`]: { shape: [width], data: new Float32Array(width).fill(1) },
    [`${norm}.bias`]: { shape: [width], data: new Float32Array(width) },
  }
}

/** What the final layer norm, without its gamma and beta, makes of the tokens that the head reads [B, n, D]. */
export function normalisedTokens({ head, embedding: { width, prefixTokens } }: Network, stream: Tensor3D): Tensor3D {
  const [images, tokens] = stream.shape
  const some = (first: number, count: number) => slice(stream, [0, first, 0], [images, count, width])
  const patches = () => some(prefixTokens, tokens - prefixTokens)
  const read = () => {
    if (head.normAfterPooling) return mean<Tensor3D>(patches(), 1, true)
    if (head.pooling === 'token') return some(0, head.distillationHead ? 2 : 1)
    return head.pooling === 'average' ? patches() : stream
  }
  return plainNorm(read(), head.epsilon)
}

/** The name of the layer norm that a head's maps read. */
export const finalNorm = ({ normAfterPooling }: Network['head']) => (normAfterPooling ? 'fc_norm' : 'norm')

/** The names of a head's linear maps: none where there is no classifier. */
export const mapsOf = ({ parameters }: Network['head']) => ['head', 'head_dist'].filter((map) => parameters[`${map}.weight`])
