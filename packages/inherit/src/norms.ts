import { layerNorm } from '@learngene/ops'
import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import type { Head, HeadReads } from '@learngene/vit-blocks'
import { ones, type Tensor1D, type Tensor3D, tidy, zeros } from '@tensorflow/tfjs-core'
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

/** How a head reads the stream. @throws when it does not say */
export function readsOf({ kind, reads }: Head): HeadReads {
  if (reads) return reads
  throw new Error(
    `rotate: the ancestor's head must say by which layer norm and linear maps it reads the stream; the '${kind}' has no member reads: { norm, maps, tokens }`,
  )
}

/** What the final layer norm, without its gamma and beta, makes of the tokens that the head reads [B, n, D]. */
export function normalisedTokens(head: Head, stream: Tensor3D): Tensor3D {
  return tidy(() => plainNorm(readsOf(head).tokens(stream), head.epsilon))
}
