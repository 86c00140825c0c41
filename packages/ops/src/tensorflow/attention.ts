import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { Run } from './backend.js'
import type { Native } from './native.js'

const BY_HEAD = [0, 2, 1, 3]

/** Attention on [B, H, N, Dh]. `saved` are the probabilities [B, H, N, N]. */
export function attentionKernels(native: Native): { readonly LearngeneAttention: Run; readonly LearngeneAttentionGrad: Run } {
  const { mul, sub, batchProduct, transpose, reshape } = native

  /** [B, N, 3D] -> three of [B, H, N, Dh] */
  const splitHeads = (qkv: TensorInfo, { B, N, H, Dh }: Sizes) => {
    const byToken = reshape(qkv, [B, N, 3, H, Dh]) // [B, N, 3, H, Dh]
    return native.unpack(transpose(byToken, [2, 0, 3, 1, 4])) // 3 x [B, H, N, Dh]
  }

  return {
    LearngeneAttention({ qkv }, attributes) {
      const sizes = sizesOf(qkv!, attributes)
      const { B, N, H, Dh } = sizes
      const [q, k, v] = splitHeads(qkv!, sizes)
      const probabilities = native.softmax(batchProduct(mul(q!, 1 / Math.sqrt(Dh)), k!, false, true)) // [B, H, N, N]
      const byToken = transpose(batchProduct(probabilities, v!), BY_HEAD) // [B, N, H, Dh]
      return [reshape(byToken, [B, N, H * Dh]), probabilities]
    },

    LearngeneAttentionGrad({ qkv, saved, dy }, attributes) {
      const sizes = sizesOf(qkv!, attributes)
      const { B, N, H, Dh } = sizes
      const scale = 1 / Math.sqrt(Dh)
      const [q, k, v] = splitHeads(qkv!, sizes)
      const dOutput = transpose(reshape(dy!, [B, N, H, Dh]), BY_HEAD) // [B, H, N, Dh]
      const dProbabilities = batchProduct(dOutput, v!, false, true) // [B, H, N, N]
      const rowSums = native.rowSums(mul(dProbabilities, saved!)) // [B, H, N, 1]
      const dScores = mul(saved!, sub(dProbabilities, rowSums)) // [B, H, N, N]
      const dq = mul(batchProduct(dScores, k!), scale)
      const dk = batchProduct(dScores, mul(q!, scale), true)
      const dv = batchProduct(saved!, dOutput, true)
      const byToken = transpose(native.pack([dq, dk, dv]), [1, 3, 0, 2, 4]) // [B, N, 3, H, Dh]
      return reshape(byToken, [B, N, 3 * H * Dh])
    },
  }
}

interface Sizes {
  readonly B: number
  readonly N: number
  readonly H: number
  readonly Dh: number
}

function sizesOf(qkv: TensorInfo, { heads }: NamedAttrMap): Sizes {
  const [B, N, width] = qkv.shape as [number, number, number]
  return { B, N, H: heads as number, Dh: width / (3 * (heads as number)) }
}
