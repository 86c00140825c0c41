import { withGradient } from '@learngene/ops'
import { add, div, log, mul, reshape, sum, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core'
import { sameShape, shapeError } from './checks.js'
import { exampleRows } from './example-rows.js'

/** Far below any probability that matters, and enough to keep the logarithm of an underflown one finite. */
const EPSILON = 1e-12

/**
 * Kullback-Leibler divergence of attention maps, averaged over heads and queries: sum_hqk t_hqk log(t_hqk / s_hqk) / (H N)
 * (MiniLM, Wang et al. 2020, arXiv 2002.10957, section 3.1). Gradient to the student's map only.
 *
 * @param student s [B, H, N, N], probabilities over the last dimension (after the softmax)
 * @param teacher t, the same shape; average over heads first where the numbers of heads differ
 * @returns [B], in nats
 * @throws when the shapes differ
 */
export function attentionMapKl(student: Tensor, teacher: Tensor): Tensor1D {
  if (student.rank !== 4 || !sameShape(student, teacher)) {
    const fix = 'where the numbers of heads differ, average over heads first'
    throw shapeError('attentionMapKl', `student and teacher maps must both be [B, H, N, N]; ${fix}`, { student, teacher })
  }
  const distributions = student.shape[1]! * student.shape[2]!
  return tidy(() =>
    withGradient([student], () => {
      const predicted = add(student, EPSILON)
      const surprise = log(div(add(teacher, EPSILON), predicted)) // [B, H, N, N]
      return {
        value: mul(sum(exampleRows(mul(teacher, surprise)), -1), 1 / distributions) as Tensor1D,
        saved: [predicted, teacher] as const,
        gradient: (dy, predicted, teacher) => {
          const factors = mul(reshape(dy, [-1, 1]), -1 / distributions) // [B, 1]
          return [reshape(mul(exampleRows(div(teacher, predicted)), factors), teacher.shape)] // [B, H, N, N]
        },
      }
    }),
  )
}
