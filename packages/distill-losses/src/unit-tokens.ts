import { withGradient } from '@learngene/ops'
import { add, mul, reshape, rsqrt, square, sub, sum, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core'

/** Far below the squared length of any real feature, and enough to keep a zero token finite. */
const EPSILON = 1e-12

/** Every token scaled to length one: x / sqrt(|x|^2 + 1e-12) over the last dimension. */
export function unitTokens<T extends Tensor>(x: T): T {
  return withGradient([x], () => {
    const rows = reshape(x, [-1, x.shape[x.rank - 1]!]) as Tensor2D // [M, D]
    const inverseLengths = rsqrt(add(sum(square(rows), -1, true), EPSILON)) // [M, 1]
    const units = mul(rows, inverseLengths) as Tensor2D // [M, D]
    return {
      value: reshape(units, x.shape) as T, // [..., D]
      saved: [units, inverseLengths] as const,
      gradient: (dy, units, inverseLengths) => {
        const gradient = reshape(dy, units.shape) // [M, D]
        const alongToken = mul(units, sum(mul(gradient, units), -1, true)) // [M, D]
        return [reshape(mul(sub(gradient, alongToken), inverseLengths), dy.shape)] // [..., D]
      },
    }
  })
}
