import { mean, mul, neg, reshape, square, sub, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel, type Kernel } from './kernels.js'
import { type Forward, withGradient } from './with-gradient.js'

export interface MeanSquaredErrorOptions {
  /** Whether gradients reach the target; default false: targets are data. */
  readonly targetGradient?: boolean
}

/**
 * The mean of (x - target)^2 over all but the first dimension.
 *
 * @param x [B, ...]
 * @param target the same shape
 * @returns [B]
 * @throws when the shapes differ
 */
export function meanSquaredError(x: Tensor, target: Tensor, { targetGradient = false }: MeanSquaredErrorOptions = {}): Tensor1D {
  if (x.rank === 0 || x.shape.join() !== target.shape.join()) {
    throw shapeError('meanSquaredError', 'x and target must have one shape [B, ...]', { x, target })
  }
  const inputs = targetGradient ? [x, target] : [x]
  return withGradient(inputs, () => {
    const kernel = findKernel('LearngeneMeanSquaredError')
    const gradientKernel = findKernel('LearngeneMeanSquaredErrorGrad')
    const { value, saved, gradient } = kernel && gradientKernel ? fast(kernel, gradientKernel, x, target) : reference(x, target)
    return {
      value,
      saved,
      gradient(dy: Tensor1D, ...saved: Tensor[]) {
        const [dx] = gradient(dy, ...saved) as [Tensor]
        return targetGradient ? [dx, neg(dx)] : [dx]
      },
    }
  })
}

function fast(kernel: Kernel, gradientKernel: Kernel, x: Tensor, target: Tensor): Forward<Tensor1D, Tensor[]> {
  return {
    value: kernel({ x, target })[0] as Tensor1D,
    saved: [x, target],
    gradient: (dy, ...[x, target]) => gradientKernel({ x: x!, target: target!, dy }),
  }
}

function reference(x: Tensor, target: Tensor): Forward<Tensor1D, Tensor[]> {
  const differences = reshape(sub(x, target), [x.shape[0]!, -1]) // [B, M]
  return {
    value: mean(square(differences), -1) as Tensor1D,
    saved: [differences],
    gradient: (dy, ...[differences]) => {
      const factors = mul(reshape(dy, [-1, 1]), 2 / differences!.shape[1]!) // [B, 1]
      return [reshape(mul(differences!, factors), x.shape)] // [B, ...]
    },
  }
}
