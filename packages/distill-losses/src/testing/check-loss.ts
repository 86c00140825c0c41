import { checkGradients } from '@learngene/testing'
import { grads, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/**
 * Checks that a loss gives one value per example, that its gradients in all inputs equal central differences, and that neither pass leaves
 * tensors behind. Owns its inputs.
 */
export async function checkLoss(loss: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], tolerance: number): Promise<void> {
  expect(
    tidy(() => loss(...inputs).shape),
    'one value per example',
  ).toEqual([inputs[0]!.shape[0]])
  await checkGradients(loss, inputs, tolerance)
}

/** Checks that no gradient reaches the teacher, whose tensor stands second. */
export function checkTeacherIsData(loss: (student: Tensor, teacher: Tensor) => Tensor, student: Tensor, teacher: Tensor): void {
  expect(() => grads((teacher: Tensor) => loss(student, teacher))([teacher])).toThrow(/Cannot compute gradient/)
}
