import {
  exp,
  expandDims,
  greater,
  logSoftmax,
  mul,
  neg,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'
import { type Forward, withGradient } from './with-gradient.js'

/**
 * Cross entropy of predicted logits against target probabilities, summed over classes: -sum_c q_c log softmax(z)_c.
 * Differentiable in the logits only; targets are data.
 *
 * @param logits [B, C]; -Infinity rules a class out
 * @param targets [B, C], non-negative; rows need not sum to 1
 * @returns [B]
 * @throws when the shapes differ
 */
export function crossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  requireSameRows('crossEntropy', { logits, targets })
  return withGradient([logits], (logits) => {
    return fastCrossEntropy(logits, targets, { targets: 'probabilities', temperature: 1, factor: 1 }) ?? reference(logits, targets)
  })
}

/** What the targets of the kernel are: probabilities, logits, or logits whose entropy is taken off the value. */
export type CrossEntropyAttributes = {
  readonly targets: 'probabilities' | 'logits' | 'logitsLessEntropy'
  /** Divides all logits. */
  readonly temperature: number
  /** Multiplies the value. */
  readonly factor: number
}

/** The forward pass on the backend's own kernels, or undefined where it has none. */
export function fastCrossEntropy(
  logits: Tensor2D,
  targets: Tensor2D,
  attributes: CrossEntropyAttributes,
): Forward<Tensor1D, Tensor[]> | undefined {
  const kernel = findKernel('LearngeneCrossEntropy')
  const gradientKernel = findKernel('LearngeneCrossEntropyGrad')
  if (!kernel || !gradientKernel) return undefined
  const [value, statistics] = kernel({ logits, targets }, attributes) as [Tensor1D, Tensor]
  return {
    value,
    saved: [logits, targets, statistics],
    gradient: (dy, ...[logits, targets, saved]) => gradientKernel({ logits: logits!, targets: targets!, saved: saved!, dy }, attributes),
  }
}

/** sum_c p_c x_c [B]. A class of probability 0 adds nothing, be x infinite or undefined: 0 log 0 = 0. */
export function expected(probabilities: Tensor, x: Tensor): Tensor1D {
  const terms = mul(probabilities, x) // [B, C]
  return sum(where(greater(probabilities, 0), terms, zerosLike(terms)), -1)
}

export function requireSameRows(operation: string, tensors: { readonly [name: string]: Tensor2D }): void {
  const [a, b] = Object.values(tensors)
  if (a!.shape[0] !== b!.shape[0] || a!.shape[1] !== b!.shape[1]) {
    throw shapeError(operation, `${Object.keys(tensors).join(' and ')} must both be [B, C]`, tensors)
  }
}

function reference(logits: Tensor2D, targets: Tensor2D): Forward<Tensor1D, Tensor[]> {
  const logProbabilities = logSoftmax(logits)
  return {
    value: expected(targets, neg(logProbabilities)),
    saved: [logProbabilities, targets],
    gradient(dy, ...[logProbabilities, targets]) {
      const predicted = mul(exp(logProbabilities!), sum(targets!, -1, true)) // [B, C]
      return [mul(expandDims(dy, -1), sub(predicted, targets!))] // [B, C]
    },
  }
}
