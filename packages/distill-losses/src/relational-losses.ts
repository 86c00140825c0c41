// Losses of how the examples of a batch stand to each other, or the tokens of an image: the widths of both sides may differ, and no map between them is trained.
import {
  abs,
  add,
  div,
  expandDims,
  eye,
  log,
  maximum,
  mean,
  minimum,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core'
import { asData, requireBatches, requireSameTokens } from './checks.js'
import { relations, unitTokens } from './feature-losses.js'

/**
 * Relational knowledge distillation by distances (Park et al. 2019, arXiv 1904.05068, equations 5 and 7): smooth L1 of |x_i - x_j| / mu between student and teacher, mu the side's mean distance of
 * two examples of the batch; the mean over j. Gradient to the student's features only.
 *
 * @param student [B, ...], each example taken as one vector
 * @param teacher [B, ...], of any other width
 * @returns [B]; their mean is the published loss
 * @throws when B differs or is less than 2
 */
export function rkdDistance(student: Tensor, teacher: Tensor): Tensor1D {
  requireBatches('rkdDistance', student, teacher)
  return tidy(() => mean(smoothL1(sub(distances(student), distances(asData(teacher)))), 1) as Tensor1D)
}

/** Below the squared distance of any two examples that differ. */
const SAME = 1e-12

/** Between all examples, in units of their mean [B, B]. */
function distances(x: Tensor): Tensor {
  const [examples] = x.shape as [number]
  const squares = sum(square(differences(x)), 2) // [B, B]
  const others = sub(1, eye(examples))
  const lengths = mul(sqrt(maximum(squares, SAME)), others)
  return div(lengths, div(sum(lengths), examples * (examples - 1)))
}

/** x_j - x_i [B (i), B (j), D] */
function differences(x: Tensor): Tensor3D {
  const rows = reshape(x, [x.shape[0]!, -1])
  return sub(expandDims(rows, 0), expandDims(rows, 1)) as Tensor3D
}

/** x^2 / 2 up to 1, |x| - 1/2 beyond (Huber's of delta 1). */
function smoothL1(x: Tensor): Tensor {
  const size = abs(x)
  const quadratic = minimum(size, 1)
  return add(mul(square(quadratic), 0.5), sub(size, quadratic))
}

/**
 * Relational knowledge distillation by angles (Park et al. 2019, arXiv 1904.05068, equations 8 and 9): smooth L1 of cos(x_j - x_i, x_k - x_i), the angle at example i, between student and teacher; the
 * mean over j and k. Holds B^3 numbers. Gradient to the student's features only.
 *
 * @param student [B, ...], each example taken as one vector
 * @param teacher [B, ...], of any other width
 * @returns [B], by the example at the vertex; their mean is the published loss
 * @throws when B differs or is less than 2
 */
export function rkdAngle(student: Tensor, teacher: Tensor): Tensor1D {
  requireBatches('rkdAngle', student, teacher)
  return tidy(() => mean(smoothL1(sub(angles(student), angles(asData(teacher)))), [1, 2]) as Tensor1D)
}

/** Cosines at each example i between the directions to j and k [B (i), B (j), B (k)]. */
const angles = (x: Tensor): Tensor3D => relations(unitTokens(differences(x)))

/**
 * Similarity-preserving distillation (Tung and Mori 2019, arXiv 1907.09682, equations 1 to 4): G = A A^T of the examples' vectors A, its rows scaled to length one; |G_s - G_t|^2 / B^2. Gradient to
 * the student's features only.
 *
 * @param student [B, ...], each example taken as one vector
 * @param teacher [B, ...], of any other width
 * @returns [B], of the example's row; their mean is the published loss
 * @throws when B differs or is less than 2
 */
export function similarityPreserving(student: Tensor, teacher: Tensor): Tensor1D {
  requireBatches('similarityPreserving', student, teacher)
  const similarities = (x: Tensor) => unitTokens(products(reshape(x, [x.shape[0]!, -1]) as Tensor2D))
  return tidy(() => mean(square(sub(similarities(student), similarities(asData(teacher)))), 1) as Tensor1D)
}

/** X X^T of [M, D] */
function products(rows: Tensor2D): Tensor2D {
  return reshape(relations(expandDims(rows, 0) as Tensor3D), [rows.shape[0], rows.shape[0]])
}

/** Keeps the logarithm of a similarity of 0 finite, as in the published code. */
const LEAST_SIMILARITY = 1e-7

/**
 * Probabilistic knowledge transfer (Passalis and Tefas 2018, arXiv 1803.10837, equations 4 to 8): the chance that an example picks another one as its neighbour, from cosines scaled to [0, 1]; the
 * divergence of the student's chances from the teacher's, the mean over the examples picked. Gradient to the student's features only.
 *
 * @param student [B, ...], each example taken as one vector
 * @param teacher [B, ...], of any other width
 * @returns [B], in nats; their mean is the published loss
 * @throws when B differs or is less than 2
 */
export function pkt(student: Tensor, teacher: Tensor): Tensor1D {
  requireBatches('pkt', student, teacher)
  return tidy(() => {
    const [s, t] = [chances(student), chances(asData(teacher))]
    return mean(mul(t, sub(log(add(t, LEAST_SIMILARITY)), log(add(s, LEAST_SIMILARITY)))), 1) as Tensor1D
  })
}

/** Rows of sum 1 [B, B]. */
function chances(x: Tensor): Tensor {
  const cosines = products(unitTokens(reshape(x, [x.shape[0]!, -1]) as Tensor2D))
  const scaled = mul(add(cosines, 1), 0.5)
  return div(scaled, sum(scaled, 1, true))
}

/**
 * One less the linear centred kernel alignment of an image's tokens (Kornblith et al. 2019, arXiv 1905.00414, equation 2): CKA = |Y^T X|^2 / (|X^T X| |Y^T Y|), columns centred over tokens. Blind to rotation
 * and scale of features. For the alignment of a batch's vectors [B, D] give them as the tokens of one image: [1, B, D]. Gradient to the student's features only.
 *
 * @param student X [B, N, D_s]
 * @param teacher Y [B, N, D_a]
 * @returns [B], from 0 (alike) to 1
 * @throws when B or N differ
 */
export function linearCka(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameTokens('linearCka', student, teacher)
  return tidy(() => {
    const kernel = (x: Tensor3D) => relations(sub(x, mean(x, 1, true)) as Tensor3D) // [B, N, N]
    const [k, l] = [kernel(student as Tensor3D), kernel(asData(teacher as Tensor3D))]
    const inner = (a: Tensor, b: Tensor) => sum(mul(a, b), [1, 2]) // [B]
    return sub(1, div(inner(k, l), sqrt(maximum(mul(inner(k, k), inner(l, l)), SAME ** 2)))) as Tensor1D
  })
}
