import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Run } from './backend.js'
import type { Native } from './native.js'

/** Layer norm of rows. Keeps the normalised rows [M, D] and 1 / deviation [M, 1]. */
export function layerNormKernels(native: Native): { readonly LearngeneLayerNorm: Run; readonly LearngeneLayerNormGrad: Run } {
  const { add, sub, mul, product, columnSums } = native

  /** Means of rows with weights: [M, D] x [D] -> [M, 1]. */
  const weightedMeans = (x: TensorInfo, weights: TensorInfo, width: number) =>
    product(x, native.reshape(mul(weights, 1 / width), [width, 1]))

  return {
    LearngeneLayerNorm({ x, gamma, beta }, { epsilon }) {
      const centred = sub(x!, native.rowMeans(x!)) // [M, D]
      const inverse = native.rsqrt(add(native.rowMeans(native.square(centred)), epsilon as number)) // [M, 1]
      const normalised = mul(centred, inverse) // [M, D]
      return [add(mul(normalised, gamma!), beta!), normalised, inverse]
    },

    /** dx = inverse (gamma dy - mean(gamma dy) - normalised mean(gamma dy normalised)); both means are products with gamma. */
    LearngeneLayerNormGrad({ gamma, statistics: normalised, inverse, dy, dSkip }) {
      const width = dy!.shape[1]!
      const dScaled = mul(dy!, normalised!) // [M, D]
      const means = weightedMeans(dy!, gamma!, width) // [M, 1]
      const slopes = weightedMeans(dScaled, gamma!, width) // [M, 1]
      const centred = sub(mul(dy!, gamma!), means) // [M, D]
      const dx = mul(inverse!, sub(centred, mul(normalised!, slopes))) // [M, D]
      return [dSkip ? add(dx, dSkip) : dx, columnSums(dScaled), columnSums(dy!)]
    },
  }
}
