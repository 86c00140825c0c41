import { add, mean, mul, reshape, rsqrt, square, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel, type Kernel } from './kernels.js'
import { type Forward, withGradient } from './with-gradient.js'

/**
 * Layer normalisation over the last dimension: gamma (x - mean) / sqrt(variance + epsilon) + beta (Ba et al. 2016, arXiv 1607.06450).
 *
 * @param x [..., D]
 * @param gamma [D]
 * @param beta [D]
 * @param epsilon added to the variance; ViT and DeiT weights are trained with 1e-6
 * @returns [..., D]
 * @throws when the widths do not match
 */
export function layerNorm<T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, epsilon = 1e-6): T {
  const width = x.shape[x.shape.length - 1]!
  if (gamma.shape[0] !== width || beta.shape[0] !== width) {
    throw shapeError('layerNorm', 'x [..., D], gamma [D] and beta [D] must agree in D', { x, gamma, beta })
  }
  return tidy(() => {
    const rows = reshape(x, [-1, width]) as Tensor2D // [M, D]
    const y = withGradient([rows, gamma, beta], (x, gamma, beta) => {
      const kernel = findKernel('LearngeneLayerNorm')
      const gradientKernel = findKernel('LearngeneLayerNormGrad')
      return kernel && gradientKernel ? fast(kernel, gradientKernel, x, gamma, beta, epsilon) : reference(x, gamma, beta, epsilon)
    })
    return reshape(y, x.shape) as T // [..., D]
  })
}

function fast(
  kernel: Kernel,
  gradientKernel: Kernel,
  x: Tensor2D,
  gamma: Tensor1D,
  beta: Tensor1D,
  epsilon: number,
): Forward<Tensor, Tensor[]> {
  const [value, ...kept] = kernel({ x, gamma, beta }, { epsilon })
  return {
    value: value!,
    saved: [x, gamma, ...kept],
    gradient: (dy, x, gamma, statistics, inverse) =>
      gradientKernel({ x: x!, gamma: gamma!, statistics: statistics!, ...(inverse && { inverse }), dy }),
  }
}

function reference(x: Tensor2D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Forward<Tensor, Tensor[]> {
  const centred = sub(x, mean(x, -1, true)) // [M, D]
  const inverse = rsqrt(add(mean(square(centred), -1, true), epsilon)) // [M, 1]
  const normalised = mul(centred, inverse) // [M, D]
  return {
    value: add(mul(normalised, gamma), beta),
    saved: [normalised, inverse, gamma],
    gradient(dy, ...saved) {
      const [normalised, inverse, gamma] = saved as [Tensor, Tensor, Tensor]
      const scaled = mul(dy, gamma) // [M, D]
      const projection = mul(normalised, mean(mul(scaled, normalised), -1, true)) // [M, D]
      const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), projection)) // [M, D]
      return [dx, sum(mul(dy, normalised), 0), sum(dy, 0)]
    },
  }
}
