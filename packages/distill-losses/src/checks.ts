import { shapeError } from '@learngene/ops'
import { clone, customGrad, type Tensor } from '@tensorflow/tfjs-core'

export function sameShape(a: Tensor, b: Tensor): boolean {
  return a.rank === b.rank && a.shape.every((length, i) => length === b.shape[i])
}

/** Features [B, N, D] of both sides, or [B, D] of one token each. */
export function requireSameFeatures(loss: string, student: Tensor, teacher: Tensor): void {
  if (student.rank < 2 || !sameShape(student, teacher)) {
    const fix = 'where the widths differ, transform one side (transformedMse) or compare relations (relationMse)'
    throw shapeError(loss, `student and teacher features must have one shape [B, N, D] or [B, D]; ${fix}`, { student, teacher })
  }
}

export function requireSameLogits(loss: string, logits: Tensor, teacherLogits: Tensor): void {
  if (logits.rank !== 2 || !sameShape(logits, teacherLogits)) {
    throw shapeError(loss, 'logits and teacherLogits must both be [B, C] with the same classes', { logits, teacherLogits })
  }
}

/** Features of any two widths for the same tokens. */
export function requireSameTokens(loss: string, student: Tensor, teacher: Tensor): void {
  if (student.rank !== 3 || teacher.rank !== 3 || student.shape[0] !== teacher.shape[0] || student.shape[1] !== teacher.shape[1]) {
    throw shapeError(loss, 'student [B, N, D_s] and teacher [B, N, D_a] must agree in B and N', { student, teacher })
  }
}

/** One vector for each example of the batch, whose relations with each other are compared: at least two. */
export function requireBatches(loss: string, student: Tensor, teacher: Tensor): void {
  if (student.rank < 2 || teacher.rank < 2 || student.shape[0] !== teacher.shape[0] || student.shape[0]! < 2) {
    throw shapeError(loss, 'student [B, ...] and teacher [B, ...] must agree in B, of at least 2 examples', { student, teacher })
  }
}

/** The same values as data, through which no gradient goes. */
export function asData<T extends Tensor>(x: T): T {
  return customGrad(() => ({ value: clone(x), gradFunc: () => [] }))() as T
}
