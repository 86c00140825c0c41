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
import { withGradient } from './with-gradient.js'

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
  return normalise(x, gamma, beta, epsilon, false) as T
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
  const [normalised, skip] = normalise(x, gamma, beta, epsilon, true) as [T, T]
  return { normalised, skip }
}

/** Layer norm of x; with a skip connection that and x once more. */
function normalise(x: Tensor, gamma: Tensor1D, beta: Tensor1D, epsilon: number, withSkip: boolean): Tensor | Tensor[] {
  const { shape } = x
  const width = shape[shape.length - 1]!
  if (gamma.shape[0] !== width || beta.shape[0] !== width) {
    const operation = withSkip ? 'layerNormWithSkip' : 'layerNorm'
    throw shapeError(operation, 'x [..., D], gamma [D] and beta [D] must agree in D', { x, gamma, beta })
  }
  const rowsOf = (tensor: Tensor) => reshape(tensor, [-1, width]) as Tensor2D // [M, D]
  return tidy(() =>
    withGradient<[Tensor, Tensor1D, Tensor1D], Tensor | Tensor[], Tensor[]>([x, gamma, beta], (x, gamma, beta) => {
      const kernel = findKernel('LearngeneLayerNorm')
      const gradientKernel = findKernel('LearngeneLayerNormGrad')
      const rows = rowsOf(x)
      const pass =
        kernel && gradientKernel ? fast(kernel, gradientKernel, rows, gamma, beta, epsilon) : reference(rows, gamma, beta, epsilon)
      const y = reshape(pass.value, shape)
      return {
        value: withSkip ? [y, clone(x)] : y,
        saved: pass.saved,
        gradient(dy, ...saved) {
          const [dNormalised, dSkip] = [dy].flat().map(rowsOf)
          const [dx, ...others] = pass.gradient(saved, dNormalised!, dSkip)
          return [reshape(dx!, shape), ...others]
        },
      }
    }),
  )
}

/** Rows that are normalised, and how their gradient is computed. */
interface Pass {
  readonly value: Tensor
  readonly saved: Tensor[]
  /** [dx, with that of a skip connection added where there is one; dGamma; dBeta] */
  gradient(saved: Tensor[], dy: Tensor, dSkip?: Tensor): Tensor[]
}

function fast(kernel: Kernel, gradientKernel: Kernel, x: Tensor2D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Pass {
  const [value, ...kept] = kernel({ x, gamma, beta }, { epsilon })
  return {
    value: value!,
    saved: [x, gamma, ...kept],
    gradient: ([x, gamma, statistics, inverse], dy, dSkip) =>
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
    gradient(saved, dy, dSkip) {
      const [normalised, inverse, gamma] = saved as [Tensor, Tensor, Tensor]
      const scaled = mul(dy, gamma) // [M, D]
      const projection = mul(normalised, mean(mul(scaled, normalised), -1, true)) // [M, D]
      const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), projection)) // [M, D]
      return [dSkip ? add(dx, dSkip) : dx, sum(mul(dy, normalised), 0), sum(dy, 0)]
    },
  }
}
