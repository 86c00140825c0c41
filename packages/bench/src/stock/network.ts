import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import type { StitchPlan } from '../plan.js'
import { affine, createBlock, createEmbedding, createHead, linear, runBlock, type StockGeometry } from './layers.js'

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
