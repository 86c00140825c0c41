import { classTargets, crossEntropy, shapeError, softenedCrossEntropy } from '@learngene/ops'
import {
  add,
  argMax,
  cast,
  div,
  exp,
  logSumExp,
  mean,
  mul,
  oneHot,
  ones,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core'
import { asData, requireSameLogits, sameShape } from './checks.js'

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
  const { classes = 'sum' } = options
  const temperature = temperatureIn(loss, options.temperature)
  if (classes !== 'sum' && classes !== 'mean') throw new Error(`${loss}: classes must be 'sum' or 'mean'; got '${String(classes)}'`)
  return { temperature, classes }
}

function temperatureIn(loss: string, temperature = 1): number {
  if (temperature > 0 && Number.isFinite(temperature)) return temperature
  throw new Error(`${loss}: temperature must be a number greater than 0, for example 1 or 4; got ${temperature}`)
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
  return tidy(() => crossEntropy(logits as Tensor2D, likeliest(teacherLogits)))
}

/** 1 for the likeliest class of each row, the first of equal ones, else 0: [B, C]. */
const likeliest = (rows: Tensor) => cast(oneHot(argMax(rows, -1), rows.shape[1]!), 'float32') as Tensor2D

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
  checkLabels('labelTarget', logits, labels)
  if (labels instanceof Tensor) return crossEntropy(logits as Tensor2D, labels as Tensor2D)
  return tidy(() => crossEntropy(logits as Tensor2D, classTargets(labels, logits.shape[1]!)))
}

/** @throws when there is not one label or one row of probabilities for each row of logits */
function checkLabels(loss: string, logits: Tensor, labels: ArrayLike<number> | Tensor): void {
  if (labels instanceof Tensor) {
    if (sameShape(logits, labels)) return
    const fix = 'give class indices as an array of numbers'
    throw shapeError(loss, `a tensor of target probabilities must be [B, C] like the logits; ${fix}`, { logits, labels })
  }
  const examples = logits.shape[0]!
  if (labels.length === examples) return
  throw new Error(`${loss}: there must be one label for each of the ${examples} rows of logits; got ${labels.length} labels`)
}

/** @throws when the weight of a part is no finite number */
function requireWeights(loss: string, weights: { readonly [name: string]: number }): void {
  for (const [name, weight] of Object.entries(weights)) {
    if (!Number.isFinite(weight)) throw new Error(`${loss}: ${name} must be a finite number; got ${weight}`)
  }
}

export interface DecoupledKdOptions {
  /** T of both parts; default 1. The published experiments take 4. */
  readonly temperature?: number
  /** Weight of the part about the true class; default 1. */
  readonly alpha?: number
  /** Weight of the part about the other classes; default 1. The published experiments take 2 to 8. */
  readonly beta?: number
}

/** Far below any logit: as a power of e it is 0, and finite where it is multiplied by 0. */
const AWAY = -1e4

/**
 * Decoupled knowledge distillation (Zhao et al. 2022, arXiv 2203.08679, equation 7): T^2 (alpha TCKD + beta NCKD). TCKD is the divergence of (p_y, 1 - p_y), the true class against all others,
 * NCKD that of the other classes among themselves, p_c / (1 - p_y). With alpha 1 and beta 1 - p_y of the teacher it is {@link klDivergence}. Gradient to the student's logits only.
 *
 * @param logits z of the student [B, C]
 * @param teacherLogits t [B, C]
 * @param labels y: B class indices as numbers, or target probabilities [B, C], of which the likeliest class counts as the true one, the first of equal ones
 * @returns [B], in nats
 * @throws when the shapes differ, a label is no class or an option is out of range
 */
export function decoupledKd(
  logits: Tensor,
  teacherLogits: Tensor,
  labels: ArrayLike<number> | Tensor,
  { temperature: given, alpha = 1, beta = 1 }: DecoupledKdOptions = {},
): Tensor1D {
  requireSameLogits('decoupledKd', logits, teacherLogits)
  const temperature = temperatureIn('decoupledKd', given)
  requireWeights('decoupledKd', { alpha, beta })
  checkLabels('decoupledKd', logits, labels)
  return tidy(() => {
    const classes = logits.shape[1]!
    const target = labels instanceof Tensor ? likeliest(labels) : classTargets(labels, classes) // [B, C]
    /** log (p_y, 1 - p_y), each [B, 1], and of the other classes log p_c / (1 - p_y) [B, C] */
    const parted = (z: Tensor) => {
      const scaled = mul(z, 1 / temperature)
      const others = add(scaled, mul(target, AWAY))
      const [all, rest] = [logSumExp(scaled, 1, true), logSumExp(others, 1, true)]
      return { own: sub(sum(mul(scaled, target), 1, true), all), rest: sub(rest, all), others: sub(others, rest) }
    }
    const [s, t] = [parted(logits), parted(asData(teacherLogits))]
    const divergence = (t: Tensor, s: Tensor) => mul(exp(t), sub(t, s))
    const trueClass = sum(add(divergence(t.own, s.own), divergence(t.rest, s.rest)), 1) // [B]
    const otherClasses = sum(divergence(t.others, s.others), 1) // [B]
    return mul(add(mul(trueClass, alpha), mul(otherClasses, beta)), temperature ** 2) as Tensor1D
  })
}

export interface DistOptions {
  /** T of both sides; default 1. */
  readonly temperature?: number
  /** Weight of the relations between the classes of one example; default 1. */
  readonly beta?: number
  /** Weight of the relations between the examples of one class; default 1. */
  readonly gamma?: number
}

/**
 * DIST (Huang et al. 2022, arXiv 2205.10536, equations 5 to 9): T^2 (beta inter + gamma intra). Inter is one less Pearson's correlation of the example's probabilities with the teacher's over the
 * classes; intra one less that of a class's probabilities over the examples of the batch, the mean over classes, which every example shares. Gradient to the student's logits only.
 *
 * @param logits z of the student [B, C]
 * @param teacherLogits t [B, C]
 * @returns [B]; their mean is the published loss
 * @throws when the shapes differ or an option is out of range
 */
export function dist(logits: Tensor, teacherLogits: Tensor, { temperature: given, beta = 1, gamma = 1 }: DistOptions = {}): Tensor1D {
  requireSameLogits('dist', logits, teacherLogits)
  const temperature = temperatureIn('dist', given)
  requireWeights('dist', { beta, gamma })
  return tidy(() => {
    const student = softmax(mul(logits, 1 / temperature) as Tensor2D) // [B, C]
    const teacher = softmax(mul(asData(teacherLogits), 1 / temperature) as Tensor2D)
    const inter = sub(1, correlation(student, teacher, 1)) // [B]
    const intra = mean(sub(1, correlation(student, teacher, 0))) // of one value
    return mul(add(mul(inter, beta), mul(mul(ones([logits.shape[0]!]), intra), gamma)), temperature ** 2) as Tensor1D
  })
}

/** Below the length of any vector of probabilities that tells classes apart. */
const LEAST_LENGTH = 1e-8

/** Pearson's correlation along an axis; of a constant 0. */
function correlation(a: Tensor2D, b: Tensor2D, axis: 0 | 1): Tensor {
  const centre = (x: Tensor2D) => sub(x, mean(x, axis, true))
  const [x, y] = [centre(a), centre(b)]
  const length = (x: Tensor) => sqrt(add(sum(square(x), axis), LEAST_LENGTH ** 2))
  return div(sum(mul(x, y), axis), mul(length(x), length(y)))
}

/**
 * Logits of mean 0 and deviation 1 in each example, times which the temperature is the only scale left (Sun et al. 2024, arXiv 2403.01427, algorithm 1): (z - mean z) / (std z + 1e-7), std the
 * unbiased one as in the published code. Not a loss: give it both sides' logits before one, as in `klDivergence(standardiseLogits(z), standardiseLogits(t), { temperature: 2 })`.
 *
 * @param logits [B, C], of at least two classes
 * @returns [B, C]
 * @throws when the shape is another
 */
export function standardiseLogits(logits: Tensor): Tensor2D {
  if (logits.rank !== 2 || logits.shape[1]! < 2)
    throw shapeError('standardiseLogits', 'logits must be [B, C] of at least 2 classes', { logits })
  return tidy(() => {
    const centred = sub(logits, mean(logits, 1, true))
    const deviation = sqrt(mul(sum(square(centred), 1, true), 1 / (logits.shape[1]! - 1))) // [B, 1]
    return div(centred, add(deviation, 1e-7)) as Tensor2D
  })
}
