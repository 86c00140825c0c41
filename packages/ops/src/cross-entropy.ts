import {
  exp,
  expandDims,
  greater,
  logSoftmax,
  mul,
  neg,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
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
function fastCrossEntropy(
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
function expected(probabilities: Tensor, x: Tensor): Tensor1D {
  const terms = mul(probabilities, x) // [B, C]
  return sum(where(greater(probabilities, 0), terms, zerosLike(terms)), -1)
}

function requireSameRows(operation: string, tensors: { readonly [name: string]: Tensor2D }): void {
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
    return fastCrossEntropy(logits, teacherLogits, { targets, temperature, factor }) ?? softenedReference(logits, teacherLogits, resolved)
  })
}

function softenedReference(
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

/**
 * Class indices as target probabilities [B, C]: 1 - smoothing + smoothing / C for the label, smoothing / C for the others
 * (label smoothing: Szegedy et al. 2016, arXiv 1512.00567).
 *
 * @throws when a label is not a class
 */
export function classTargets(labels: ArrayLike<number>, classes: number, smoothing = 0): Tensor2D {
  const values = new Float32Array(labels.length * classes).fill(smoothing / classes)
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new Error(`classTargets: labels must be integers from 0 to ${classes - 1}; label ${i} is ${label}`)
    }
    values[i * classes + label]! += 1 - smoothing
  }
  return tensor2d(values, [labels.length, classes])
}
