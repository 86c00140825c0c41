import type { Loss } from '@learngene/interfaces/tensors'
import { batchProduct, linear, meanSquaredError, shapeError, withGradient } from '@learngene/ops'
import {
  add,
  div,
  exp,
  log,
  maximum,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core'
import { asData, requireSameFeatures, requireSameTokens, sameShape } from './checks.js'

/**
 * Mean squared error of features of one width: sum_nd (s_nd - t_nd)^2 / (N D) (FitNets, Romero et al. 2015, arXiv 1412.6550, as a mean).
 * Gradient to the student's features only: 2 (s - t) / (N D).
 *
 * @param student s [B, N, D], or any other shape [B, ...]
 * @param teacher t, the same shape
 * @returns [B]
 * @throws when the shapes differ
 */
export function featureMse(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameFeatures('featureMse', student, teacher)
  return meanSquaredError(student, teacher)
}

/** A transformation matrix: y = M x + c with M [out, in]. */
export interface TransformationOptions {
  /** M: [D_a, D_s] on side `student`, [D_s, D_a] on side `teacher`. */
  readonly weight: Tensor2D
  /** c: as long as M has rows. */
  readonly bias: Tensor1D
  /**
   * Whose features are mapped. `student` (default): to the teacher's width D_a; the loss cannot be lowered by shrinking the matrix. `teacher`: to the
   * student's width D_s, as the Learngene Pool's published code does; matrix and student can shrink to zero together.
   */
  readonly side?: 'student' | 'teacher'
}

/**
 * Mean squared error of features of different widths, one side mapped by a transformation matrix that is trained along (Learngene Pool,
 * arXiv 2312.05743). Side `student`: mean over tokens and width of (M s + c - t)^2; side `teacher`: of (s - M t - c)^2.
 * Gradients to the student's features, weight and bias, not to the teacher's features.
 *
 * @param student s [B, N, D_s]
 * @param teacher t [B, N, D_a]
 * @returns [B]
 * @throws when the shapes do not fit
 */
export function transformedMse(student: Tensor, teacher: Tensor, { weight, bias, side = 'student' }: TransformationOptions): Tensor1D {
  if (side !== 'student' && side !== 'teacher') {
    throw new Error(`transformedMse: side must be 'student' or 'teacher'; got '${String(side)}'`)
  }
  requireTokensOfAnyWidth(student, teacher)
  const [inputs, outputs] = side === 'student' ? [student.shape.at(-1), teacher.shape.at(-1)] : [teacher.shape.at(-1), student.shape.at(-1)]
  if (weight.rank !== 2 || weight.shape[0] !== outputs || weight.shape[1] !== inputs || bias.rank !== 1 || bias.shape[0] !== outputs) {
    const rule = `side '${side}' needs weight [${outputs}, ${inputs}] and bias [${outputs}] for these features`
    throw shapeError('transformedMse', rule, { weight, bias, student, teacher })
  }
  return tidy(() =>
    side === 'student'
      ? meanSquaredError(linear(student, weight, bias), teacher)
      : meanSquaredError(student, linear(teacher, weight, bias, { inputGradient: false }), { targetGradient: true }),
  )
}

/** [B, N, D] of both sides, or [B, D] of one token each. */
function requireTokensOfAnyWidth(student: Tensor, teacher: Tensor): void {
  const { rank, shape } = student
  if (rank < 2 || rank !== teacher.rank || shape.slice(0, -1).some((length, i) => length !== teacher.shape[i])) {
    throw shapeError('transformedMse', 'student [B, N, D_s] and teacher [B, N, D_a] must agree in B and N', { student, teacher })
  }
}

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

/**
 * Mean squared error of the token-to-token relations of each image: R = U U^T with U the tokens scaled to length one, so R_ij is the cosine
 * of tokens i and j; sum_ij (R^s_ij - R^t_ij)^2 / N^2 (the intra-image term of Hao et al. 2022, arXiv 2107.01378; relations between examples
 * instead of tokens: Park et al. 2019, arXiv 1904.05068). Widths may differ, without any transformation matrix.
 * Gradient to the student's features only.
 *
 * @param student s [B, N, D_s]
 * @param teacher t [B, N, D_a]
 * @returns [B]
 * @throws when B or N differ
 */
export function relationMse(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameTokens('relationMse', student, teacher)
  return tidy(() => meanDifference(unitTokens(student as Tensor3D), teacher as Tensor3D))
}

/** @param units the student's features, every token of length one */
function meanDifference(units: Tensor3D, teacher: Tensor3D): Tensor1D {
  return withGradient([units], () => {
    const differences = sub(relations(units), relations(unitTokens(teacher))) as Tensor3D // [B, N, N]
    return {
      value: mean(square(exampleRows(differences)), -1) as Tensor1D,
      saved: [differences, units] as const,
      gradient: (dy, differences, units) => {
        // d/dU |U U^T - R|^2 = 4 (U U^T - R) U
        const tokens = units.shape[1]
        const factors = mul(reshape(dy, [-1, 1]), 4 / tokens ** 2) // [B, 1]
        const weighted = reshape(mul(exampleRows(differences), factors), differences.shape) as Tensor3D // [B, N, N]
        return [batchProduct(weighted, units)] // [B, N, D]
      },
    }
  })
}

/** Products of all rows with each other [B, N, D] -> [B, N, N]: cosines where they are of length one. */
export function relations(units: Tensor3D): Tensor3D {
  return batchProduct(units, transpose(units, [0, 2, 1])) // [B, N, N]
}

/**
 * Attention transfer by activations (Zagoruyko and Komodakis 2017, arXiv 1612.03928, equation 2, squared as in the published code): a token's attention is the mean square of its features; the maps, scaled
 * to length one over tokens, are compared by their mean squared difference. Widths may differ. Gradient to the student's features only.
 *
 * @param student [B, N, D_s]
 * @param teacher [B, N, D_a]
 * @returns [B]
 * @throws when B or N differ
 */
export function attentionTransfer(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameTokens('attentionTransfer', student, teacher)
  return tidy(() => {
    const map = (x: Tensor) => unitTokens(mean(square(x), 2)) // [B, N]
    return mean(square(sub(map(student), map(asData(teacher)))), 1) as Tensor1D
  })
}

export interface VariationalOptions {
  /** Before the softplus, of each direction of the teacher's features [D_a]; trained along. The published code starts at log(e^(5 - eps) - 1), a variance of 5. */
  readonly rawVariance: Tensor1D
  /** Least variance; default 1e-5. */
  readonly epsilon?: number
}

/**
 * Variational information distillation (Ahn et al. 2019, arXiv 1904.05835, equations 5 and 6): the mean over tokens and directions of (log v + (t - mu)^2 / v) / 2, mu what is predicted of the
 * teacher's features and v = softplus(raw variance) + epsilon their variance. Gradients to mu and to the raw variance.
 *
 * @param predicted mu, the student's features brought to the teacher's width by a map that is trained along [B, N, D_a] or [B, D_a]
 * @param teacher t, the same shape
 * @returns [B], in nats
 * @throws when the shapes differ
 */
export function variationalInformation(predicted: Tensor, teacher: Tensor, { rawVariance, epsilon = 1e-5 }: VariationalOptions): Tensor1D {
  requireSameFeatures('variationalInformation', predicted, teacher)
  if (rawVariance.rank !== 1 || rawVariance.shape[0] !== teacher.shape.at(-1)) {
    throw shapeError('variationalInformation', 'rawVariance must be [D], one for each direction of the features', { rawVariance, teacher })
  }
  return tidy(() => {
    const positive = maximum(rawVariance, 0)
    const softplus = add(positive, log(add(1, exp(sub(rawVariance, mul(2, positive)))))) // max(x, 0) + log(1 + e^-|x|)
    const variance = add(softplus, epsilon) // [D]
    const error = div(square(sub(predicted, asData(teacher))), variance)
    return mul(mean(exampleRows(add(error, log(variance))), -1), 0.5) as Tensor1D
  })
}

/**
 * A loss of examples as one of tokens: each token of each image is an example to it, and an image's loss is the mean over its tokens, or over those that a mask keeps. Makes losses of logits
 * ones of dense predictions, and any loss of vectors a masked one (as in MaskedKD and masked generative distillation, arXiv 2205.01529, whose student sees what the mask leaves).
 *
 * @param loss of [M, ...] and [M, ...], for example `klDivergence` or `cosineDistance`
 * @param mask weights of tokens [B, N], 0 for those that do not count; an image of which none counts has the loss 0. Default all alike.
 * @returns a loss of [B, N, D_s] and [B, N, D_a], as the loss takes them
 * @throws when it is given tensors that do not agree in B and N, with each other or with the mask
 */
export function tokenWise(loss: Loss, { mask }: { readonly mask?: Tensor2D } = {}): (student: Tensor, teacher: Tensor) => Tensor1D {
  return (student, teacher) => {
    requireSameTokens('tokenWise', student, teacher)
    const [images, tokens] = student.shape as [number, number]
    if (mask && (mask.rank !== 2 || mask.shape[0] !== images || mask.shape[1] !== tokens)) {
      throw shapeError('tokenWise', 'the mask must be [B, N] like the tokens', { mask, student })
    }
    return tidy(() => {
      const rows = (x: Tensor) => reshape(x, [images * tokens, x.shape[2]!]) as Tensor2D
      const each = reshape(loss(rows(student), rows(teacher)), [images, tokens]) // [B, N]
      if (!mask) return mean(each, 1) as Tensor1D
      return div(sum(mul(each, mask), 1), maximum(sum(mask, 1), EPSILON)) as Tensor1D
    })
  }
}

/** Far below any probability that matters, and enough to keep the logarithm of an underflown one finite. */
const LEAST_PROBABILITY = 1e-12

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
      const predicted = add(student, LEAST_PROBABILITY)
      const surprise = log(div(add(teacher, LEAST_PROBABILITY), predicted)) // [B, H, N, N]
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

/** One row per example, so that a value per example broadcasts along its last dimension. */
function exampleRows(x: Tensor): Tensor2D {
  return reshape(x, [x.shape[0]!, -1]) as Tensor2D // [B, M]
}
