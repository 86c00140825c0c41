import {
  add,
  concat,
  erf,
  logSoftmax,
  matMul,
  mean,
  mul,
  ones,
  randomNormal,
  reshape,
  rsqrt,
  slice,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  transpose,
  unstack,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import type { StitchPlan } from '../plan.js'

interface StockShape extends StockGeometry {
  readonly width: number
  readonly depth: number
  readonly heads: number
  readonly classes: number
  readonly mlpRatio?: number
  readonly epsilon?: number
}

/** Runs images [B, height, width, channels] to logits [B, C]; `features` gets each block's output and its attention's [B N, D]. */
export type StockNetwork = (images: Tensor4D, features?: { block: Tensor[]; attn: Tensor[] }) => Tensor

const blocksOf = ({ mlpRatio = 4, epsilon = 1e-6 }: StockShape, { width, heads, depth }: { width: number; heads: number; depth: number }) =>
  Array.from({ length: depth }, () => createBlock(width, heads, mlpRatio, epsilon))

export function stockViT(shape: StockShape): StockNetwork {
  const embedding = createEmbedding(shape, shape.width)
  const blocks = blocksOf(shape, shape)
  const head = createHead(shape.width, shape.classes, shape.epsilon ?? 1e-6)
  return (images, features) => {
    let x = embedding(images) // [B N, D]
    for (const block of blocks) {
      const output = runBlock(x, images.shape[0], block)
      x = output.block
      features?.block.push(output.block)
      features?.attn.push(output.attn)
    }
    return head(x, images.shape[0])
  }
}

export function stockStitched(shape: StockShape, plan: StitchPlan): StockNetwork {
  const embedding = createEmbedding(shape, plan.front.width)
  const [front, back] = [blocksOf(shape, plan.front), blocksOf(shape, plan.back)]
  const stitch = affine(plan.front.width, plan.back.width)
  const head = createHead(plan.back.width, shape.classes, shape.epsilon ?? 1e-6)
  return (images) => {
    const batch = images.shape[0]
    const before = front.reduce((x, block) => runBlock(x, batch, block).block, embedding(images)) // [B N, D_s]
    return head(
      back.reduce((x, block) => runBlock(x, batch, block).block, linear(before, stitch)),
      batch,
    )
  }
}

// A Vision Transformer as one writes it with what TensorFlow.js offers: its own operations and their gradients, nothing of ours.

interface Affine {
  readonly weight: Variable
  readonly bias: Variable
}

interface Norm {
  readonly gamma: Variable
  readonly beta: Variable
}

interface StockBlock {
  readonly norm1: Norm
  readonly qkv: Affine
  readonly proj: Affine
  readonly norm2: Norm
  readonly fc1: Affine
  readonly fc2: Affine
  readonly heads: number
  readonly epsilon: number
}

const weights = (...shape: number[]): Variable => variable(randomNormal(shape, 0, 0.02, 'float32', 1))

export const affine = (inputs: number, outputs: number): Affine => ({ weight: weights(inputs, outputs), bias: weights(outputs) })

const norm = (width: number): Norm => ({ gamma: variable(ones([width])), beta: variable(zeros([width])) })

export const linear = (x: Tensor, { weight, bias }: Affine): Tensor => add(matMul(x as Tensor2D, weight as unknown as Tensor2D), bias)

function layerNorm(x: Tensor, { gamma, beta }: Norm, epsilon: number): Tensor {
  const centred = sub(x, mean(x, -1, true))
  return add(mul(mul(centred, rsqrt(add(mean(square(centred), -1, true), epsilon))), gamma), beta)
}

const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1))

function attention(qkv: Tensor, batch: number, heads: number): Tensor {
  const width = qkv.shape[1]! / 3
  const tokens = qkv.shape[0]! / batch
  const parts = unstack(transpose(reshape(qkv, [batch, tokens, 3, width]), [2, 0, 1, 3])) // three of [B, N, D]
  const [q, k, v] = parts.map((part) => transpose(reshape(part, [batch, tokens, heads, width / heads]), [0, 2, 1, 3])) // [B, H, N, Dh]
  const probabilities = softmax(mul(matMul(q!, k!, false, true), Math.sqrt(heads / width))) // [B, H, N, N]
  return reshape(transpose(matMul(probabilities, v!), [0, 2, 1, 3]), [batch * tokens, width]) // [B N, D]
}

const createBlock = (width: number, heads: number, mlpRatio: number, epsilon: number): StockBlock => ({
  norm1: norm(width),
  qkv: affine(width, 3 * width),
  proj: affine(width, width),
  norm2: norm(width),
  fc1: affine(width, mlpRatio * width),
  fc2: affine(mlpRatio * width, width),
  heads,
  epsilon,
})

/** @param x [B N, D] */
function runBlock(
  x: Tensor,
  batch: number,
  { norm1, qkv, proj, norm2, fc1, fc2, heads, epsilon }: StockBlock,
): { block: Tensor; attn: Tensor } {
  const attn = linear(attention(linear(layerNorm(x, norm1, epsilon), qkv), batch, heads), proj)
  const middle = add(x, attn)
  return { block: add(middle, linear(gelu(linear(layerNorm(middle, norm2, epsilon), fc1)), fc2)), attn }
}

interface StockGeometry {
  readonly imageSize: number
  readonly patchSize: number
  readonly channels: number
}

/** @returns images [B, height, width, channels] -> [B N, D] */
function createEmbedding({ imageSize, patchSize, channels }: StockGeometry, width: number): (images: Tensor4D) => Tensor {
  const side = imageSize / patchSize
  const tokens = side * side + 1
  const embed = affine(patchSize * patchSize * channels, width)
  const [classToken, positions] = [weights(1, 1, width), weights(1, tokens, width)]
  return (images) => {
    const batch = images.shape[0]
    const strips = reshape(images, [batch, side, patchSize, side, patchSize * channels])
    const patches = reshape(transpose(strips, [0, 1, 3, 2, 4]), [batch * side * side, -1]) // [B n, p p c]
    const first = mul(ones([batch, 1, 1]), classToken) // [B, 1, D]
    const embedded = concat([first, reshape(linear(patches, embed), [batch, side * side, width])], 1) // [B, N, D]
    return reshape(add(embedded, positions), [batch * tokens, width]) // [B N, D]
  }
}

/** @returns [B N, D] -> logits [B, C] */
function createHead(width: number, classes: number, epsilon: number): (x: Tensor, batch: number) => Tensor {
  const [last, head] = [norm(width), affine(width, classes)]
  return (x, batch) => {
    const byImage = reshape(x, [batch, x.shape[0]! / batch, width]) // [B, N, D]
    const token = reshape(slice(byImage, [0, 0, 0], [batch, 1, width]), [batch, width]) // [B, D]
    return linear(layerNorm(token, last, epsilon), head) // [B, C]
  }
}

/** Per example [B]. */
export const crossEntropy = (logits: Tensor, targets: Tensor): Tensor => mul(sum(mul(targets, logSoftmax(logits)), -1), -1)
