import { linear, meanSquaredError } from '@learngene/ops'
import { type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { shapeError } from './checks.js'

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
  requireSameTokens(student, teacher)
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

function requireSameTokens(student: Tensor, teacher: Tensor): void {
  const { rank, shape } = student
  if (rank < 2 || rank !== teacher.rank || shape.slice(0, -1).some((length, i) => length !== teacher.shape[i])) {
    throw shapeError('transformedMse', 'student [B, N, D_s] and teacher [B, N, D_a] must agree in B and N', { student, teacher })
  }
}
