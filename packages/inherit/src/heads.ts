import { batchProduct } from '@learngene/ops'
import { type Matrix64, matrixOf, product, transpose, zeros } from '@learngene/stitch/linear-algebra'
import { mean, transpose as permute, reshape, slice, sub, sum, type Tensor, type Tensor3D } from '@tensorflow/tfjs-core'
import { singularValues, symmetricRoot } from './decompositions.js'
import type { Moments } from './values.js'

/** Mixes of the rows of two thin factors, the most important first: the leading r rows of A X and B Y are the best factors of rank r of X^T Y. */
export interface RankedFactors {
  /** A [d, d], for the rows of X. */
  readonly left: Matrix64
  /** B [d, d], for the rows of Y. */
  readonly right: Matrix64
}

/** Singular values under this share of the largest count as 0. */
const negligible = 1e-12

/**
 * Ranks the factors of X^T Y, for X and Y [d, n], from their Gram matrices alone: with X X^T = L L^T, Y Y^T = M M^T and L^T M = U S V^T,
 * A = S^-1/2 V^T M^T and B = S^-1/2 U^T L^T. Then (A X)^T (B Y) = X^T Y, and its first r terms are the truncated singular value decomposition, whose error in
 * the Frobenius norm is the least of any rank r. An n x n matrix is never formed: for the scores of a head X holds its queries and Y its keys over the
 * calibration tokens, and what is kept is what these tokens use.
 *
 * @param x X X^T [d, d]
 * @param y Y Y^T [d, d]
 */
export function rankedFactors(x: Matrix64, y: Matrix64): RankedFactors {
  const rootX = symmetricRoot(x)
  const rootY = symmetricRoot(y)
  const { u, values, v } = singularValues(product(transpose(rootX), rootY))
  return { left: mix(v, rootY, values), right: mix(u, rootX, values) }
}

/** S^-1/2 vectors^T root^T */
function mix(vectors: Matrix64, root: Matrix64, values: readonly number[]): Matrix64 {
  const d = root.rows
  const mixed = product(transpose(vectors), transpose(root))
  for (let row = 0; row < d; row++) {
    const scale = values[row]! > negligible * values[0]! ? values[row]! ** -0.5 : 0
    for (let i = row * d; i < (row + 1) * d; i++) mixed.data[i]! *= scale
  }
  return mixed
}

/** Sums over tokens, by head: Gram matrices of queries, of keys about their mean over the image, of outputs [H, Dh, Dh]; outputs [H, Dh]. */
export function headMoments(qkv: Tensor3D, attended: Tensor3D, heads: number): { q: Tensor; k: Tensor; o: Tensor; outputs: Tensor } {
  const [images, tokens, three] = qkv.shape
  const inner = three / 3
  const part = (index: number) => slice(qkv, [0, 0, index * inner], [images, tokens, inner])
  const byHead = (x: Tensor) => permute(reshape(x, [images * tokens, heads, inner / heads]), [1, 0, 2]) as Tensor3D // [H, B N, Dh]
  const gram = (x: Tensor) => batchProduct(byHead(x), byHead(x), true)
  const keys = part(1)
  return {
    q: gram(part(0)),
    // Softmax ignores what all keys of an image share.
    k: gram(sub(keys, mean(keys, 1, true))),
    o: gram(attended),
    outputs: sum(byHead(attended), 1),
  }
}

/** The maps of one head: what its queries, keys and values read, W [Dh, n] and b [Dh], and what it writes, [m, Dh]. */
export interface HeadMaps {
  readonly readers: readonly { readonly weight: Matrix64; readonly bias: Matrix64 }[]
  readonly writer: Matrix64
}

/** A head whose factors stand in the order of what they contribute. */
export interface RankedHead extends HeadMaps {
  /** The mean of what it writes [m, 1], which its values no longer hold. */
  readonly constant: Matrix64
  /** Sum over tokens of the squares of what it writes about that mean. */
  readonly energy: number
}

/** Of a factor's own energy: what of its metric every direction has, so that factors stay exact where calibration images do not go. */
const everywhere = 1e-4

/**
 * Writes a head in ranked factors: the same scores up to what softmax ignores, and the same output up to a constant that is returned.
 *
 * @param moments sums of {@link headMoments}
 * @param tokens over how many tokens they run
 */
export function rankHead({ readers: [query, key, value], writer }: HeadMaps, moments: Moments, head: number, tokens: number): RankedHead {
  const d = writer.columns
  const ofHead = (name: string, length: number) => moments.values(name).slice(head * length, (head + 1) * length)
  const gram = (name: string, reader: Matrix64) => regularised(matrixOf(ofHead(name, d * d), d, d), reader)
  const average = matrixOf(ofHead('outputs', d).map((total) => total / tokens), d, 1) // biome-ignore format: one value
  const scores = rankedFactors(gram('q', query!.weight), gram('k', key!.weight))
  const outputs = gram('o', value!.weight)
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) outputs.data[i * d + j]! -= tokens * average.data[i]! * average.data[j]!
  const written = product(transpose(writer), writer)
  const contribution = rankedFactors(written, outputs)
  const centred = matrixOf(value!.bias.data.map((bias, i) => bias - average.data[i]!), d, 1) // biome-ignore format: one value
  return {
    readers: [
      { weight: product(scores.left, query!.weight), bias: product(scores.left, query!.bias) },
      { weight: product(scores.right, key!.weight), bias: zeros(d, 1) },
      { weight: product(contribution.right, value!.weight), bias: product(contribution.right, centred) },
    ],
    writer: product(writer, transpose(contribution.left)),
    constant: product(writer, average),
    energy: written.data.reduce((total, entry, i) => total + entry * outputs.data[i]!, 0),
  }
}

/** The Gram matrix of the rows W n with a little of W W^T: the metric of n is then definite. Rows that are 0 on all calibration images get W W^T itself. */
function regularised(gram: Matrix64, reader: Matrix64): Matrix64 {
  const everyDirection = product(reader, transpose(reader))
  const used = everywhere * traceOf(gram)
  const scale = used > 0 ? used / (traceOf(everyDirection) || 1) : 1
  for (let i = 0; i < gram.data.length; i++) gram.data[i]! += scale * everyDirection.data[i]!
  return gram
}

function traceOf({ data, rows }: Matrix64): number {
  let trace = 0
  for (let i = 0; i < rows; i++) trace += data[i * (rows + 1)]!
  return trace
}
