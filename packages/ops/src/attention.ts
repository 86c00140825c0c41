import { concat, mul, reshape, softmax, split, sub, sum, type Tensor, type Tensor3D, transpose } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel, type Kernel } from './kernels.js'
import { batchProduct } from './matmul.js'
import { type Forward, withGradient } from './with-gradient.js'

/**
 * Multi-head softmax attention straight from packed queries, keys and values: softmax(q k^T / sqrt(Dh)) v per head, heads joined again
 * (Vaswani et al. 2017, arXiv 1706.03762).
 *
 * @param qkv [B, N, 3D], the last dimension q | k | v, each H groups of Dh
 * @param heads H; must divide D
 * @returns [B, N, D]
 * @throws when 3D does not divide by 3 H
 */
export function attention(qkv: Tensor3D, heads: number): Tensor3D {
  if (!Number.isInteger(heads) || heads < 1 || qkv.shape[2] % (3 * heads) !== 0) {
    throw shapeError('attention', `the last dimension of qkv must divide by 3 x heads = ${3 * heads}`, { qkv })
  }
  return withGradient([qkv], (qkv) => {
    const kernel = findKernel('LearngeneAttention')
    const gradientKernel = findKernel('LearngeneAttentionGrad')
    return kernel && gradientKernel ? fast(kernel, gradientKernel, qkv, heads) : reference(qkv, heads)
  })
}

function fast(kernel: Kernel, gradientKernel: Kernel, qkv: Tensor3D, heads: number): Forward<Tensor3D, Tensor[]> {
  const [value, statistics] = kernel({ qkv }, { heads }) as [Tensor3D, Tensor]
  return {
    value,
    saved: [qkv, value, statistics],
    gradient: (dy, ...[qkv, y, saved]) => gradientKernel({ qkv: qkv!, y: y!, saved: saved!, dy }, { heads }),
  }
}

function reference(qkv: Tensor3D, heads: number): Forward<Tensor3D, Tensor[]> {
  const [q, k, v] = splitHeads(qkv, heads)
  const scores = mul(batchProduct(q, k, false, true), scale(qkv, heads)) // [B H, N, N]
  const probabilities = softmax(scores) as Tensor3D // [B H, N, N]
  return {
    value: joinHeads(batchProduct(probabilities, v), heads),
    saved: [qkv, probabilities],
    gradient: (dy, ...[qkv, probabilities]) => [referenceGradient(qkv as Tensor3D, probabilities as Tensor3D, dy, heads)],
  }
}

function referenceGradient(qkv: Tensor3D, probabilities: Tensor3D, dy: Tensor3D, heads: number): Tensor3D {
  const [q, k, v] = splitHeads(qkv, heads)
  const dOutput = separateHeads(dy, heads) // [B H, N, Dh]
  const dProbabilities = batchProduct(dOutput, v, false, true) // [B H, N, N]
  const rowSums = sum(mul(dProbabilities, probabilities), -1, true) // [B H, N, 1]
  const dScores = mul(mul(probabilities, sub(dProbabilities, rowSums)), scale(qkv, heads)) as Tensor3D // [B H, N, N]
  const parts = [batchProduct(dScores, k), batchProduct(dScores, q, true), batchProduct(probabilities, dOutput, true)]
  return concat(
    parts.map((part) => joinHeads(part, heads)),
    2,
  ) as Tensor3D // [B, N, 3D]
}

function scale(qkv: Tensor3D, heads: number): number {
  return 1 / Math.sqrt(qkv.shape[2] / (3 * heads))
}

/** [B, N, 3D] -> three of [B H, N, Dh] */
function splitHeads(qkv: Tensor3D, heads: number): [Tensor3D, Tensor3D, Tensor3D] {
  return (split(qkv, 3, 2) as Tensor3D[]).map((part) => separateHeads(part, heads)) as [Tensor3D, Tensor3D, Tensor3D]
}

/** [B, N, D] -> [B H, N, Dh] */
function separateHeads(x: Tensor3D, heads: number): Tensor3D {
  const [images, tokens, width] = x.shape
  const byToken = reshape(x, [images, tokens, heads, width / heads]) // [B, N, H, Dh]
  const byHead = transpose(byToken, [0, 2, 1, 3]) // [B, H, N, Dh]
  return reshape(byHead, [images * heads, tokens, width / heads]) // [B H, N, Dh]
}

/** [B H, N, Dh] -> [B, N, D] */
function joinHeads(x: Tensor3D, heads: number): Tensor3D {
  const [groups, tokens, headWidth] = x.shape
  const byHead = reshape(x, [groups / heads, heads, tokens, headWidth]) // [B, H, N, Dh]
  const byToken = transpose(byHead, [0, 2, 1, 3]) // [B, N, H, Dh]
  return reshape(byToken, [groups / heads, tokens, heads * headWidth]) // [B, N, D]
}
