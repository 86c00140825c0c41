import { exp, expandDims, logSoftmax, mul, neg, sub, sum, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { withGradient } from './with-gradient.js'

/**
 * Cross entropy of predicted logits against target probabilities, summed over classes: -sum_c q_c log softmax(z)_c.
 * Differentiable in the logits only; targets are data.
 *
 * @param logits [B, C]
 * @param targets [B, C], non-negative; rows need not sum to 1
 * @returns [B]
 * @throws when the shapes differ
 */
export function crossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  if (logits.shape[0] !== targets.shape[0] || logits.shape[1] !== targets.shape[1]) {
    throw shapeError('crossEntropy', 'logits and targets must both be [B, C]', { logits, targets })
  }
  return withGradient([logits], (logits) => {
    const logProbabilities = logSoftmax(logits)
    return {
      value: neg(sum(mul(targets, logProbabilities), -1)) as Tensor1D,
      saved: [logProbabilities, targets] as const,
      gradient(dy, logProbabilities, targets) {
        const predicted = mul(exp(logProbabilities), sum(targets, -1, true)) // [B, C]
        return [mul(expandDims(dy, -1), sub(predicted, targets))] // [B, C]
      },
    }
  })
}
