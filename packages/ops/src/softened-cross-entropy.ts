import { exp, logSoftmax, mul, neg, reshape, softmax, sub, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core'
import { expected, fastCrossEntropy, requireSameRows } from './cross-entropy.js'
import { type Forward, withGradient } from './with-gradient.js'

export interface SoftenedOptions {
  /** T > 0, divides both sides' logits; default 1. */
  readonly temperature?: number
  /** Multiplies the value; default 1. */
  readonly factor?: number
  /** Takes the teacher's entropy off, which makes it the Kullback-Leibler divergence; default false. The gradient is the same. */
  readonly lessEntropy?: boolean
}

/**
 * Cross entropy of softened predictions against a teacher's: -factor sum_c p_c log q_c with q = softmax(z / T), p = softmax(t / T) (Hinton et al. 2015,
 * arXiv 1503.02531). Differentiable in the student's logits only: factor / T (q - p).
 *
 * @param logits z [B, C]
 * @param teacherLogits t [B, C]; -Infinity, on either side, rules a class out
 * @returns [B]
 * @throws when the shapes differ
 */
export function softenedCrossEntropy(logits: Tensor2D, teacherLogits: Tensor2D, options: SoftenedOptions = {}): Tensor1D {
  requireSameRows('softenedCrossEntropy', { logits, teacherLogits })
  const { temperature = 1, factor = 1, lessEntropy = false } = options
  const resolved = { temperature, factor, lessEntropy }
  return withGradient([logits], (logits) => {
    const targets = lessEntropy ? 'logitsLessEntropy' : 'logits'
    return fastCrossEntropy(logits, teacherLogits, { targets, temperature, factor }) ?? reference(logits, teacherLogits, resolved)
  })
}

function reference(
  logits: Tensor2D,
  teacherLogits: Tensor2D,
  { temperature, factor, lessEntropy }: Required<SoftenedOptions>,
): Forward<Tensor1D, Tensor[]> {
  const student = logSoftmax(scale(logits, 1 / temperature))
  const softened = scale(teacherLogits, 1 / temperature)
  const teacher = lessEntropy ? logSoftmax(softened) : undefined
  const probabilities = teacher ? exp(teacher) : softmax(softened)
  const surprise = teacher ? sub(teacher, student) : neg(student)
  return {
    value: scale(expected(probabilities, surprise), factor),
    saved: [student, probabilities],
    gradient: (dy, ...[student, probabilities]) => {
      return [mul(reshape(scale(dy, factor / temperature), [-1, 1]), sub(exp(student!), probabilities!))] // [B, C]
    },
  }
}

/** A number costs an upload on some backends; a factor of 1 is the common case. */
function scale<T extends Tensor>(x: T, factor: number): T {
  return factor === 1 ? x : mul(x, factor)
}
