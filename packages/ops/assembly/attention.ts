import { product } from './product'
import { restoreRow, softmaxGradientRow, softmaxRow } from './softmax'
import { bytesOf } from './vectors'

// Queries, keys and values are read and their gradients written where they lie in qkv [images, tokens, 3 width]: nothing is split,
// transposed or joined. The probabilities of one head exist at a time; the backward pass makes them again from two floats per row,
// [images, heads, tokens, 2], which is `tokens` times less to keep than the probabilities (Dao et al. 2022, arXiv 2205.14135).

/**
 * y [images, tokens, width] = softmax(q k^T / sqrt(headWidth)) v for every head.
 *
 * @param scores room for tokens x tokens floats
 */
export function attention(
  images: i32,
  tokens: i32,
  heads: i32,
  headWidth: i32,
  qkv: usize,
  y: usize,
  statistics: usize,
  scores: usize,
): void {
  const width = heads * headWidth
  const stride = 3 * width
  const scale: f32 = 1 / sqrt(<f32>headWidth)
  for (let image = 0; image < images; image++) {
    for (let head = 0; head < heads; head++) {
      const q = qkv + bytesOf(head * headWidth)
      const k = q + bytesOf(width)
      const v = k + bytesOf(width)
      product(tokens, tokens, headWidth, q, stride, false, k, stride, true, scores, tokens, 0)
      for (let row = 0; row < tokens; row++) softmaxRow(tokens, scores + bytesOf(row * tokens), scale, statistics + bytesOf(2 * row))
      product(tokens, headWidth, tokens, scores, tokens, false, v, stride, false, y + bytesOf(head * headWidth), width, 0)
      statistics += bytesOf(2 * tokens)
    }
    qkv += bytesOf(tokens * stride)
    y += bytesOf(tokens * width)
  }
}

/**
 * dqkv [images, tokens, 3 width] from dy [images, tokens, width]. With p the probabilities: dV = p^T dY, dP = dY v^T,
 * dS = scale p (dP - rowsum(p dP)), dQ = dS k, dK = dS^T q.
 *
 * @param scratch room for twice tokens x tokens floats
 */
export function attentionGradient(
  images: i32,
  tokens: i32,
  heads: i32,
  headWidth: i32,
  qkv: usize,
  statistics: usize,
  dy: usize,
  dqkv: usize,
  scratch: usize,
): void {
  const width = heads * headWidth
  const stride = 3 * width
  const scale: f32 = 1 / sqrt(<f32>headWidth)
  const p = scratch
  const gradient = scratch + bytesOf(tokens * tokens)
  for (let image = 0; image < images; image++) {
    for (let head = 0; head < heads; head++) {
      const offset = bytesOf(head * headWidth)
      const q = qkv + offset
      const k = q + bytesOf(width)
      const v = k + bytesOf(width)
      const dQ = dqkv + offset
      const dK = dQ + bytesOf(width)
      const dV = dK + bytesOf(width)
      product(tokens, tokens, headWidth, q, stride, false, k, stride, true, p, tokens, 0)
      for (let row = 0; row < tokens; row++) restoreRow(tokens, p + bytesOf(row * tokens), scale, statistics + bytesOf(2 * row))
      product(tokens, headWidth, tokens, p, tokens, true, dy + offset, width, false, dV, stride, 0)
      product(tokens, tokens, headWidth, dy + offset, width, false, v, stride, true, gradient, tokens, 0)
      for (let row = 0; row < tokens; row++) {
        const start = bytesOf(row * tokens)
        softmaxGradientRow(tokens, p + start, gradient + start, scale)
      }
      product(tokens, headWidth, tokens, gradient, tokens, false, k, stride, false, dQ, stride, 0)
      product(tokens, headWidth, tokens, gradient, tokens, true, q, stride, false, dK, stride, 0)
      statistics += bytesOf(2 * tokens)
    }
    qkv += bytesOf(tokens * stride)
    dqkv += bytesOf(tokens * stride)
    dy += bytesOf(tokens * width)
  }
}
