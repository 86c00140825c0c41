import { add, reshape, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'
import { product } from './matmul.js'
import { withGradient } from './with-gradient.js'

export interface LinearOptions {
  /** false where x is data and nothing needs its gradient (a patch embedding): saves one product of the backward pass. Default true. */
  readonly inputGradient?: boolean
}

/**
 * Affine map y = x W^T + b over the last dimension, PyTorch's Linear.
 *
 * @param x [..., K]
 * @param weight [N, K]
 * @param bias [N]
 * @returns [..., N]
 * @throws when the widths do not match
 */
export function linear<T extends Tensor>(x: T, weight: Tensor2D, bias: Tensor1D, options: LinearOptions = {}): T {
  const [outputs, inputs] = weight.shape
  if (x.shape[x.shape.length - 1] !== inputs || bias.shape[0] !== outputs) {
    throw shapeError('linear', 'x [..., K], weight [N, K] and bias [N] must agree in K and N', { x, weight, bias })
  }
  return tidy(() => {
    const rows = reshape(x, [-1, inputs]) as Tensor2D // [M, K]
    const y =
      (options.inputGradient ?? true)
        ? withGradient([rows, weight, bias], (x, weight, bias) => affine(x, weight, bias, true))
        : withGradient([weight, bias], (weight, bias) => affine(rows, weight, bias, false))
    return reshape(y, [...x.shape.slice(0, -1), outputs]) as T // [..., N]
  })
}

function affine(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, inputGradient: boolean) {
  const kernel = findKernel('LearngeneLinear')
  const gradientKernel = findKernel('LearngeneLinearGrad')
  return {
    value: kernel ? kernel({ x, weight, bias })[0]! : add(product(x, weight, false, true), bias),
    saved: [x, weight] as const,
    gradient(dy: Tensor, x: Tensor2D, weight: Tensor2D): Tensor[] {
      const [dWeight, dBias, dx] = gradientKernel
        ? gradientKernel({ x, weight, dy }, { inputGradient })
        : [product(dy as Tensor2D, x, true), sum(dy, 0), inputGradient ? product(dy as Tensor2D, weight) : undefined]
      return inputGradient ? [dx!, dWeight!, dBias!] : [dWeight!, dBias!]
    },
  }
}
