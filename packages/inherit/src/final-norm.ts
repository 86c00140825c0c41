import type { Network } from '@learngene/vit-blocks'
import { mean, slice, type Tensor3D } from '@tensorflow/tfjs-core'
import { plainNorm } from './folded-norm.js'

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
