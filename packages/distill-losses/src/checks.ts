import { shapeError } from '@learngene/ops'
import type { Tensor } from '@tensorflow/tfjs-core'

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
