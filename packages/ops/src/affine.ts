import { add, concat, getBackend, slice, sum, type Tensor, type Tensor1D, type Tensor2D, tidy, zeros } from '@tensorflow/tfjs-core'
import { geluOf, timesGeluDerivative } from './gelu.js'
import { findKernel } from './kernels.js'
import { product } from './matmul.js'
import { getPrecision, warnOfFullPrecision } from './precision.js'
import { underTape } from './with-gradient.js'

/** Elements begin to end (exclusive) of a bias. */
export interface BiasRange {
  readonly begin: number
  readonly end: number
}

/** An affine map and its gradients without a tape: the current backend's kernels, or the reference form. */
export interface Affine {
  /**
   * y = x W^T + b, then GELU if asked for, then + residual; and the values before GELU where a gradient may want them. If `hidden`, both may be in a form of the backend's own, which only forward and
   * gradient understand, and so may the gradient of those before GELU.
   */
  forward(
    inputs: { readonly x: Tensor2D; readonly weight: Tensor2D; readonly bias: Tensor1D; readonly residual?: Tensor2D | undefined },
    activation?: 'gelu',
    hidden?: boolean,
  ): { readonly y: Tensor2D; readonly preActivation?: Tensor2D }
  /**
   * Gradients for the values before GELU: [dWeight, dBias, dx], dx only if `inputGradient`. Where x is GELU of `preActivation`, dx is the
   * gradient of those instead. The gradient of `frozenBias` is zero.
   */
  gradient(
    inputs: { readonly x: Tensor2D; readonly weight: Tensor2D; readonly dy: Tensor2D; readonly preActivation?: Tensor2D },
    options?: { readonly inputGradient?: boolean; readonly frozenBias?: BiasRange | undefined },
  ): Tensor[]
  /** dy times the derivative of GELU at the values before it. */
  activationGradient(preActivation: Tensor, dy: Tensor): Tensor
}

/** An operation asks once, in its forward pass, and uses the same answer for its gradient. */
export function findAffine(): Affine {
  if (getPrecision() === 'mixed' && getBackend() !== 'webgpu') warnOfFullPrecision(`the ${getBackend()} backend has one precision`)
  const kernel = findKernel('LearngeneLinear')
  const gradientKernel = findKernel('LearngeneLinearGrad')
  const geluGradientKernel = findKernel('LearngeneGeluGrad')
  if (kernel === undefined || gradientKernel === undefined || geluGradientKernel === undefined) return reference
  return {
    forward({ x, weight, bias, residual }, activation, hidden = false) {
      const keepPreActivation = activation !== undefined && underTape()
      const inputs = { x, weight, bias, ...(residual && { residual }) }
      const attributes = { ...(activation && { activation }), keepPreActivation, hidden }
      const [y, preActivation] = kernel(inputs, attributes) as [Tensor2D, Tensor2D?]
      return { y, ...(preActivation && { preActivation }) }
    },
    gradient({ x, weight, dy, preActivation }, { inputGradient = true, frozenBias } = {}) {
      const inputs = { x, weight, dy, ...(preActivation && { preActivation }) }
      const attributes = { inputGradient, ...(frozenBias && { frozenBias: [frozenBias.begin, frozenBias.end] }) }
      return gradientKernel(inputs, attributes)
    },
    activationGradient: (x, dy) => geluGradientKernel({ x, dy })[0]!,
  }
}

const reference: Affine = {
  forward({ x, weight, bias, residual }, activation) {
    const preActivation = tidy(() => add<Tensor2D>(product(x, weight, false, true), bias)) // [M, N]
    const activated = activation ? geluOf(preActivation) : preActivation // [M, N]
    return { y: residual ? add(activated, residual) : activated, ...(activation && { preActivation }) }
  },
  gradient({ x, weight, dy, preActivation }, { inputGradient = true, frozenBias } = {}) {
    const dBias = sum<Tensor1D>(dy, 0) // [N]
    const gradients = [product(dy, x, true), frozenBias ? withZeros(dBias, frozenBias) : dBias]
    if (!inputGradient) return gradients
    const dx = product(dy, weight) // [M, K]
    return [...gradients, preActivation ? timesGeluDerivative(preActivation, dx) : dx]
  },
  activationGradient: timesGeluDerivative,
}

function withZeros(x: Tensor1D, { begin, end }: BiasRange): Tensor1D {
  const behind = x.shape[0] - end
  return concat([slice(x, 0, begin), zeros([end - begin]) as Tensor1D, slice(x, end, behind)]) // [N]
}
