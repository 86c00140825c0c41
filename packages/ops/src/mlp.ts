import { clone, reshape, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { type Activation, activate, checkActivation } from './activation.js'
import { findAffine } from './affine.js'
import { shapeError } from './errors.js'
import { linear } from './linear.js'
import { withGradient } from './with-gradient.js'

export interface MlpParameters {
  /** [K, D] */
  readonly weight1: Tensor2D
  /** [K] */
  readonly bias1: Tensor1D
  /** [N, K] */
  readonly weight2: Tensor2D
  /** [N] */
  readonly bias2: Tensor1D
}

export interface MlpOptions {
  /** Of the hidden values; default the exact `gelu`, which alone has fast kernels. */
  readonly activation?: Activation
  /** Added to the result [..., N]. */
  readonly residual?: Tensor
}

/**
 * The perceptron with one hidden layer of a transformer block: linear(activation(linear(x))) + residual, K hidden values. With GELU it is one operation, so that
 * GELU's derivative is applied by the product that computes the hidden values' gradient.
 *
 * @param x [..., D]
 * @returns [..., N]
 * @throws when the widths do not match, the residual is not of the result's shape or there is no such activation
 */
export function mlp<T extends Tensor>(
  x: T,
  { weight1, bias1, weight2, bias2 }: MlpParameters,
  { activation = 'gelu', residual }: MlpOptions = {},
): T {
  const [hidden, inputs] = weight1.shape
  const outputs = weight2.shape[0]
  if (x.shape[x.shape.length - 1] !== inputs || bias1.shape[0] !== hidden || weight2.shape[1] !== hidden || bias2.shape[0] !== outputs) {
    const rule = 'x [..., D], weight1 [K, D], bias1 [K], weight2 [N, K] and bias2 [N] must agree in D, K and N'
    throw shapeError('mlp', rule, { x, weight1, bias1, weight2, bias2 })
  }
  const shape = [...x.shape.slice(0, -1), outputs]
  if (residual && residual.shape.join() !== shape.join()) {
    throw shapeError('mlp', `the residual must have the result's shape [${shape.join(', ')}]`, { residual })
  }
  checkActivation(activation)
  if (activation !== 'gelu') {
    return tidy(() => linear(activate(linear(x, weight1, bias1), activation), weight2, bias2, residual ? { residual } : {})) // [..., N]
  }
  return tidy(() => {
    const rows = reshape(x, [-1, inputs]) as Tensor2D // [M, D]
    const added = residual && (reshape(residual, [-1, outputs]) as Tensor2D) // [M, N]
    const trained = [rows, weight1, bias1, weight2, bias2, ...(added ? [added] : [])]
    const y = withGradient<Tensor[], Tensor2D, Tensor2D[]>(trained, () => {
      const affine = findAffine()
      const first = affine.forward({ x: rows, weight: weight1, bias: bias1 }, 'gelu', true) // [M, K]
      const second = affine.forward({ x: first.y, weight: weight2, bias: bias2, residual: added }) // [M, N]
      return {
        value: second.y,
        saved: [rows, weight1, weight2, first.y, ...(first.preActivation ? [first.preActivation] : [])],
        gradient(dy, x, weight1, weight2, activated, preActivation?: Tensor2D) {
          const [dWeight2, dBias2, dHidden] = affine.gradient({
            x: activated,
            weight: weight2,
            dy,
            ...(preActivation && { preActivation }),
          })
          const [dWeight1, dBias1, dx] = affine.gradient({ x, weight: weight1, dy: dHidden as Tensor2D })
          const gradients = [dx!, dWeight1!, dBias1!, dWeight2!, dBias2!]
          return added ? [...gradients, clone(dy)] : gradients
        },
      }
    })
    return reshape(y, shape) as T // [..., N]
  })
}
