import { add, erf, exp, mul, square, type Tensor } from '@tensorflow/tfjs-core'
import { findKernel } from './kernels.js'
import { withGradient } from './with-gradient.js'

/**
 * Exact GELU: x Phi(x) with the Gaussian distribution function through erf (Hendrycks and Gimpel 2016, arXiv 1606.08415), as ViT and DeiT use it.
 *
 * @param x any shape
 * @returns the shape of x
 */
export function gelu<T extends Tensor>(x: T): T {
  return withGradient([x], (x) => {
    const kernel = findKernel('LearngeneGelu')
    const gradientKernel = findKernel('LearngeneGeluGrad')
    return {
      value: kernel ? kernel({ x })[0]! : geluOf(x),
      saved: [x] as const,
      gradient: (dy, x) => (gradientKernel ? gradientKernel({ x, dy }) : [timesGeluDerivative(x, dy)]),
    }
  }) as T
}

/** x Phi(x) in the reference form, without a gradient of its own. */
export function geluOf<T extends Tensor>(x: T): T {
  return mul(x, gaussianDistribution(x))
}

/** dy d/dx (x Phi(x)) in the reference form. */
export function timesGeluDerivative<T extends Tensor>(x: T, dy: T): T {
  return mul(dy, derivative(x))
}

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
function gaussianDistribution(x: Tensor): Tensor {
  return add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5)
}

/** d/dx (x Phi(x)) = Phi(x) + x phi(x), with the Gaussian density phi */
function derivative(x: Tensor): Tensor {
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
  return add(gaussianDistribution(x), mul(x, density))
}
