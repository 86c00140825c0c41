import { withGradient } from '@learngene/ops'
import { mul, reshape, sub, sum, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core'
import { requireSameFeatures } from './checks.js'
import { exampleRows } from './example-rows.js'
import { unitTokens } from './unit-tokens.js'

/**
 * One less the cosine between the student's and the teacher's token, averaged over tokens: 1 - sum_n cos(s_n, t_n) / N. Blind to the
 * length of features. A zero token counts as orthogonal. Gradient to the student's features only.
 *
 * @param student s [B, N, D], or [B, D] of one token
 * @param teacher t, the same shape
 * @returns [B], from 0 (same directions) to 2 (opposite)
 * @throws when the shapes differ
 */
export function cosineDistance(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameFeatures('cosineDistance', student, teacher)
  return tidy(() => meanDistance(unitTokens(student), teacher))
}

/** @param units the student's features, every token of length one */
function meanDistance(units: Tensor, teacher: Tensor): Tensor1D {
  const tokens = units.size / (units.shape[0]! * units.shape[units.rank - 1]!)
  return withGradient([units], () => {
    const targets = unitTokens(teacher)
    const cosines = sum(exampleRows(mul(units, targets)), -1) // [B]
    return {
      value: sub(1, mul(cosines, 1 / tokens)) as Tensor1D,
      saved: [targets] as const,
      gradient: (dy, targets) => {
        const factors = mul(reshape(dy, [-1, 1]), -1 / tokens) // [B, 1]
        return [reshape(mul(exampleRows(targets), factors), targets.shape)] // [B, ...]
      },
    }
  })
}
