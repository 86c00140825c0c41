import { crossEntropy } from '@learngene/ops'
import { argMax, cast, oneHot, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { requireSameLogits } from './checks.js'

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
