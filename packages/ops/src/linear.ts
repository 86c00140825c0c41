import { clone, reshape, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { type BiasRange, findAffine } from './affine.js'
import { shapeError } from './errors.js'
import { withGradient } from './with-gradient.js'

export interface LinearOptions {
  /** false where x is data and nothing needs its gradient (a patch embedding): saves one product of the backward pass. Default true. */
  readonly inputGradient?: boolean
  /** Applied to x W^T + b: the exact GELU of `gelu`. Default none. */
  readonly activation?: 'gelu'
  /** Added last [..., N]. Kernels add it while they write. */
  readonly residual?: Tensor
  /**
   * Elements of the bias whose gradient is exactly zero. For the key third of a q | k | v projection: softmax ignores a shift, so that gradient is zero
   * in exact arithmetic; in float32 it is noise, which Adam would blow up to full-sized steps.
   */
  readonly frozenBias?: BiasRange
}

/**
 * Affine map y = x W^T + b over the last dimension, PyTorch's Linear; with the options y = activation(x W^T + b) + residual in one operation.
 *
 * @param x [..., K]
 * @param weight [N, K]
 * @param bias [N]
 * @returns [..., N]
 * @throws when the widths do not match, the residual is not of the result's shape or the frozen range is not one of the bias
 */
export function linear<T extends Tensor>(x: T, weight: Tensor2D, bias: Tensor1D, options: LinearOptions = {}): T {
  const [outputs, inputs] = weight.shape
  if (x.shape[x.shape.length - 1] !== inputs || bias.shape[0] !== outputs) {
    throw shapeError('linear', 'x [..., K], weight [N, K] and bias [N] must agree in K and N', { x, weight, bias })
  }
  const shape = [...x.shape.slice(0, -1), outputs]
  const { residual } = options
  if (residual && residual.shape.join() !== shape.join()) {
    throw shapeError('linear', `the residual must have the result's shape [${shape.join(', ')}]`, { residual })
  }
  checkFrozen(options.frozenBias, outputs)
  return tidy(() => {
    const rows = reshape(x, [-1, inputs]) as Tensor2D // [M, K]
    const added = residual && reshape(residual, [-1, outputs]) // [M, N]
    return reshape(affineMap(rows, weight, bias, added as Tensor2D | undefined, options), shape) as T // [..., N]
  })
}

function affineMap(x: Tensor2D, weight: Tensor2D, bias: Tensor1D, residual: Tensor2D | undefined, options: LinearOptions): Tensor2D {
  const { inputGradient = true, activation, frozenBias } = options
  const inputs: Tensor[] = [weight, bias, ...(inputGradient ? [x] : []), ...(residual ? [residual] : [])]
  return withGradient<Tensor[], Tensor2D, Tensor2D[]>(inputs, () => {
    const affine = findAffine()
    const { y, preActivation } = affine.forward({ x, weight, bias, residual }, activation)
    return {
      value: y,
      saved: preActivation ? [x, weight, preActivation] : [x, weight],
      gradient(dy, x, weight, preActivation?: Tensor2D) {
        const dAffine = preActivation ? (affine.activationGradient(preActivation, dy) as Tensor2D) : dy // [M, N]
        const gradients = affine.gradient({ x, weight, dy: dAffine }, { inputGradient, frozenBias })
        return residual ? [...gradients, clone(dy)] : gradients
      },
    }
  })
}

function checkFrozen(range: BiasRange | undefined, outputs: number): void {
  if (range === undefined) return
  const { begin, end } = range
  if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || begin > end || end > outputs) {
    throw new Error(`linear: frozenBias must be whole numbers 0 <= begin <= end <= N = ${outputs}; got begin ${begin}, end ${end}`)
  }
}
