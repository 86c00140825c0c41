import type { NamedTensors } from '@learngene/interfaces/tensors'
import { add, div, minimum, mul, type Scalar, scalar, sqrt, square, sum, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { replaceEach } from './gradients.js'

/**
 * Scales all gradients by min(1, limit / norm), norm being their joint Euclidean norm (as PyTorch's clip_grad_norm_, its 1e-6 included). Reads nothing
 * on the host.
 *
 * @returns the norm before clipping; where it is not finite, the gradients are of no use
 */
export function clipGradients(gradients: NamedTensors, limit: number): Scalar {
  const { norm, factor } = tidy(() => {
    const squares = Object.values(gradients).map((gradient) => sum(square(gradient)) as Tensor)
    const norm = sqrt(squares.length > 0 ? squares.reduce((total, next) => add(total, next)) : scalar(0)) as Scalar
    return { norm, factor: minimum(div(limit, add(norm, 1e-6)), 1) }
  })
  replaceEach(gradients, (gradient) => mul(gradient, factor))
  factor.dispose()
  return norm
}
