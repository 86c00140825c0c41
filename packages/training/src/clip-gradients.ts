import type { NamedTensors } from '@learngene/interfaces/tensors'
import { add, mul, sqrt, square, sum, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { replaceEach } from './gradients.js'

/**
 * Scales all gradients by min(1, limit / norm), norm being their joint Euclidean norm (as PyTorch's clip_grad_norm_, its 1e-6 included).
 *
 * @returns the norm before clipping; where it is not finite, the gradients are left as they were
 */
export async function clipGradients(gradients: NamedTensors, limit: number): Promise<number> {
  const joint = tidy(() => {
    const squares = Object.values(gradients).map((gradient) => sum(square(gradient)) as Tensor)
    return sqrt(squares.reduce((total, next) => add(total, next)))
  })
  try {
    const norm = (await joint.data())[0]!
    const factor = limit / (norm + 1e-6)
    if (factor < 1 && Number.isFinite(norm)) replaceEach(gradients, (gradient) => mul(gradient, factor))
    return norm
  } finally {
    joint.dispose()
  }
}
