import {
  add,
  clone,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel, type Kernel } from './kernels.js'
import { withGradient, withGradients } from './with-gradient.js'

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
  const width = widthOf('layerNorm', x, gamma, beta)
  return tidy(() => {
    const rows = reshape(x, [-1, width]) as Tensor2D // [M, D]
    const y = withGradient([rows, gamma, beta], (x, gamma, beta) => {
      const { value, saved, gradient } = normalise(x, gamma, beta, epsilon)
      return { value, saved, gradient: (dy: Tensor, ...saved: Tensor[]) => gradient(dy, saved) }
    })
    return reshape(y, x.shape) as T // [..., D]
  })
}

/** A type, not an interface, so that it counts as a container of tensors. */
export type NormWithSkip<T extends Tensor> = {
  /** `layerNorm` of x [..., D]. */
  readonly normalised: T
  /** x once more [..., D], for the residual connection around what is made of `normalised`. */
  readonly skip: T
}

/**
 * `layerNorm` where a residual connection leads around it: x + f(layerNorm(x)) is written skip + f(normalised). Values and gradients are the same, and layer norm's own gradient adds that of `skip`, instead
 * of a pass of its own over both. Where either is not used, the plain form is cheaper.
 *
 * @param x [..., D]
 * @param gamma [D]
 * @param beta [D]
 * @param epsilon as in `layerNorm`
 * @throws when the widths do not match
 */
export function layerNormWithSkip<T extends Tensor>(x: T, gamma: Tensor1D, beta: Tensor1D, epsilon = 1e-6): NormWithSkip<T> {
  const width = widthOf('layerNormWithSkip', x, gamma, beta)
  const rowsOf = (tensor: Tensor) => reshape(tensor, [-1, width]) as Tensor2D // [M, D]
  const [skip, normalised] = tidy(() =>
    withGradients<[T, Tensor1D, Tensor1D], [T, T], Tensor[]>([x, gamma, beta], (x, gamma, beta) => {
      const { value, saved, gradient } = normalise(rowsOf(x), gamma, beta, epsilon)
      return {
        values: [clone(x), reshape(value, x.shape) as T],
        saved,
        gradient([dSkip, dy], ...saved) {
          const [dx, ...others] = gradient(rowsOf(dy), saved, rowsOf(dSkip))
          return [reshape(dx!, dy.shape), ...others]
        },
      }
    }),
  )
  return { normalised, skip }
}

function widthOf(operation: string, x: Tensor, gamma: Tensor1D, beta: Tensor1D): number {
  const width = x.shape[x.shape.length - 1]!
  if (gamma.shape[0] !== width || beta.shape[0] !== width) {
    throw shapeError(operation, 'x [..., D], gamma [D] and beta [D] must agree in D', { x, gamma, beta })
  }
  return width
}

/** Rows that are normalised, and how their gradient is computed. */
interface Pass {
  readonly value: Tensor
  readonly saved: Tensor[]
  /** [dx, with that of a skip connection added where there is one; dGamma; dBeta] */
  gradient(dy: Tensor, saved: Tensor[], dSkip?: Tensor): Tensor[]
}

function normalise(x: Tensor2D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Pass {
  const kernel = findKernel('LearngeneLayerNorm')
  const gradientKernel = findKernel('LearngeneLayerNormGrad')
  return kernel && gradientKernel ? fast(kernel, gradientKernel, x, gamma, beta, epsilon) : reference(x, gamma, beta, epsilon)
}

function fast(kernel: Kernel, gradientKernel: Kernel, x: Tensor2D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Pass {
  const [value, ...kept] = kernel({ x, gamma, beta }, { epsilon })
  return {
    value: value!,
    saved: [x, gamma, ...kept],
    gradient: (dy, [x, gamma, statistics, inverse], dSkip) =>
      gradientKernel({ x: x!, gamma: gamma!, statistics: statistics!, ...(inverse && { inverse }), dy, ...(dSkip && { dSkip }) }),
  }
}

function reference(x: Tensor2D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Pass {
  const centred = sub(x, mean(x, -1, true)) // [M, D]
  const inverse = rsqrt(add(mean(square(centred), -1, true), epsilon)) // [M, 1]
  const normalised = mul(centred, inverse) // [M, D]
  return {
    value: add(mul(normalised, gamma), beta),
    saved: [normalised, inverse, gamma],
    gradient(dy, saved, dSkip) {
      const [normalised, inverse, gamma] = saved as [Tensor, Tensor, Tensor]
      const scaled = mul(dy, gamma) // [M, D]
      const projection = mul(normalised, mean(mul(scaled, normalised), -1, true)) // [M, D]
      const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), projection)) // [M, D]
      return [dSkip ? add(dx, dSkip) : dx, sum(mul(dy, normalised), 0), sum(dy, 0)]
    },
  }
}
