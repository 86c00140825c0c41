import { withGradient } from '@learngene/ops'
import { mean, mul, reshape, square, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core'
import { exampleRows } from './example-rows.js'

/** The mean of x^2 over all but the first dimension. Its gradient is one product. */
export function meanSquare(x: Tensor): Tensor1D {
  return withGradient([x], () => ({
    value: mean(square(exampleRows(x)), -1) as Tensor1D,
    saved: [x] as const,
    gradient: (dy, x) => {
      const rows = exampleRows(x) // [B, M]
      const factors = mul(reshape(dy, [-1, 1]), 2 / rows.shape[1]) // [B, 1]
      return [reshape(mul(rows, factors), x.shape)] // [B, ...]
    },
  }))
}
