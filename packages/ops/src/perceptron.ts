import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import { findAffine, underTape } from './affine.js'
import { findKernel } from './kernels.js'

/** The perceptron of `mlp` with GELU and its gradients without a tape: the current backend's kernels for all of it, or two affine maps. */
export interface Perceptron {
  /** y = GELU(x W1^T + b1) W2^T + b2 + residual [M,N], and what the gradient wants of the hidden values, in a form of its own. */
  forward(inputs: {
    readonly x: Tensor2D
    readonly weight1: Tensor2D
    readonly bias1: Tensor1D
    readonly weight2: Tensor2D
    readonly bias2: Tensor1D
    readonly residual?: Tensor2D | undefined
  }): { readonly y: Tensor2D; readonly hidden: Tensor2D[] }
  /** [dx, dWeight1, dBias1, dWeight2, dBias2] */
  gradient(inputs: {
    readonly x: Tensor2D
    readonly weight1: Tensor2D
    readonly weight2: Tensor2D
    readonly hidden: readonly Tensor2D[]
    readonly dy: Tensor2D
  }): Tensor[]
}

/** An operation asks once, in its forward pass, and uses the same answer for its gradient. */
export function findPerceptron(): Perceptron {
  const kernel = findKernel('LearngeneMlp')
  const gradientKernel = findKernel('LearngeneMlpGrad')
  if (kernel === undefined || gradientKernel === undefined) return ofAffineMaps()
  return {
    forward({ residual, ...inputs }) {
      const [y, ...hidden] = kernel({ ...inputs, ...(residual && { residual }) }, { keep: underTape() }) as [Tensor2D, ...Tensor2D[]]
      return { y, hidden }
    },
    gradient({ hidden: [activated, preActivation], ...inputs }) {
      return gradientKernel({ ...inputs, activated, preActivation } as NamedTensorMap)
    },
  }
}

/** Two affine maps, the derivative of GELU in the second's gradient. */
export function ofAffineMaps(): Perceptron {
  const affine = findAffine()
  return {
    forward({ x, weight1, bias1, weight2, bias2, residual }) {
      const { y: activated, preActivation } = affine.forward({ x, weight: weight1, bias: bias1 }, 'gelu') // [M, K]
      const { y } = affine.forward({ x: activated, weight: weight2, bias: bias2, residual })
      return { y, hidden: preActivation ? [activated, preActivation] : [activated] }
    },
    gradient({ x, weight1, weight2, hidden: [activated, preActivation], dy }) {
      const second = { x: activated!, weight: weight2, dy, ...(preActivation && { preActivation }) }
      const [dWeight2, dBias2, dHidden] = affine.gradient(second)
      const [dWeight1, dBias1, dx] = affine.gradient({ x, weight: weight1, dy: dHidden as Tensor2D })
      return [dx!, dWeight1!, dBias1!, dWeight2!, dBias2!]
    },
  }
}
