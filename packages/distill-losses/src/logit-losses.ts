import { classTargets, crossEntropy, shapeError, softenedCrossEntropy } from '@learngene/ops'
import { argMax, cast, oneHot, Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { requireSameLogits, sameShape } from './checks.js'

/**
 * Cross entropy of the student's softened distribution against the teacher's: T^2 sum_c -softmax(t / T)_c log softmax(z / T)_c
 * (Hinton et al. 2015, arXiv 1503.02531). Gradient to the student's logits only: T (softmax(z / T) - softmax(t / T)).
 *
 * @param logits z of the student [B, C]
 * @param teacherLogits t [B, C]
 * @returns [B], in nats
 * @throws when the shapes differ or an option is out of range
 */
export function softTarget(logits: Tensor, teacherLogits: Tensor, options: TemperatureOptions = {}): Tensor1D {
  requireSameLogits('softTarget', logits, teacherLogits)
  const resolved = resolveTemperature('softTarget', options)
  const { temperature } = resolved
  return softenedCrossEntropy(logits as Tensor2D, teacherLogits as Tensor2D, { temperature, factor: factorOf(logits.shape[1]!, resolved) })
}

/**
 * Kullback-Leibler divergence of the softened distributions: T^2 sum_c p_c log(p_c / q_c), p = softmax(t / T), q = softmax(z / T). It is
 * {@link softTarget} less the teacher's entropy: the same gradient, and zero where student and teacher agree (DeiT's soft distillation,
 * Touvron et al. 2021, arXiv 2012.12877). Gradient to the student's logits only.
 *
 * @param logits z of the student [B, C]
 * @param teacherLogits t [B, C]
 * @returns [B], in nats
 * @throws when the shapes differ or an option is out of range
 */
export function klDivergence(logits: Tensor, teacherLogits: Tensor, options: TemperatureOptions = {}): Tensor1D {
  requireSameLogits('klDivergence', logits, teacherLogits)
  const resolved = resolveTemperature('klDivergence', options)
  const { temperature } = resolved
  const factor = factorOf(logits.shape[1]!, resolved)
  return softenedCrossEntropy(logits as Tensor2D, teacherLogits as Tensor2D, { temperature, factor, lessEntropy: true })
}

export interface TemperatureOptions {
  /** T, greater than 0: both sides' logits are divided by it before the softmax. Default 1. */
  readonly temperature?: number
  /**
   * `sum` (default): summed over classes and multiplied by T^2, which keeps the gradient's size independent of T (Hinton et al. 2015,
   * arXiv 1503.02531, section 2). `mean`: divided by the number of classes and not multiplied by T^2, as the Learngene Pool's published code does.
   */
  readonly classes?: 'sum' | 'mean'
}

/** @throws when an option is out of range */
function resolveTemperature(loss: string, options: TemperatureOptions): Required<TemperatureOptions> {
  const { temperature = 1, classes = 'sum' } = options
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new Error(`${loss}: temperature must be a number greater than 0, for example 1 or 4; got ${temperature}`)
  }
  if (classes !== 'sum' && classes !== 'mean') throw new Error(`${loss}: classes must be 'sum' or 'mean'; got '${String(classes)}'`)
  return { temperature, classes }
}

/** What the sum over classes is multiplied by. */
function factorOf(classCount: number, { temperature, classes }: Required<TemperatureOptions>): number {
  return classes === 'sum' ? temperature ** 2 : 1 / classCount
}

/**
 * Cross entropy with the class that the teacher finds likeliest: -log softmax(z)_k, k = argmax t (hard-label distillation: Touvron et al.
 * 2021, arXiv 2012.12877, section 4). Gradient to the student's logits only.
 *
 * @param logits z of the student [B, C]
 * @param teacherLogits t [B, C]; equal largest logits count as the first of them
 * @returns [B], in nats
 * @throws when the shapes differ
 */
export function hardTarget(logits: Tensor, teacherLogits: Tensor): Tensor1D {
  requireSameLogits('hardTarget', logits, teacherLogits)
  return tidy(() => {
    const decisions = cast(oneHot(argMax(teacherLogits, -1), teacherLogits.shape[1]!), 'float32') as Tensor2D // [B, C]
    return crossEntropy(logits as Tensor2D, decisions)
  })
}

/**
 * Cross entropy with the true labels: -sum_c q_c log softmax(z)_c. Gradient to the logits only.
 *
 * @param logits z [B, C]
 * @param labels B class indices as numbers, or target probabilities q [B, C] as mixup and label smoothing make them
 * @returns [B], in nats
 * @throws when there is not one label or one row of probabilities for each row of logits, or a label is no class
 */
export function labelTarget(logits: Tensor, labels: ArrayLike<number> | Tensor): Tensor1D {
  if (logits.rank !== 2) throw shapeError('labelTarget', 'logits must be [B, C]', { logits })
  const [examples, classes] = logits.shape as [number, number]
  if (labels instanceof Tensor) {
    if (!sameShape(logits, labels)) {
      const fix = 'give class indices as an array of numbers'
      throw shapeError('labelTarget', `a tensor of target probabilities must be [B, C] like the logits; ${fix}`, { logits, labels })
    }
    return crossEntropy(logits as Tensor2D, labels as Tensor2D)
  }
  if (labels.length !== examples) {
    throw new Error(`labelTarget: there must be one label for each of the ${examples} rows of logits; got ${labels.length} labels`)
  }
  return tidy(() => crossEntropy(logits as Tensor2D, classTargets(labels, classes)))
}
