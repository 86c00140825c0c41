import { softenedCrossEntropy } from '@learngene/ops'
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import { requireSameLogits } from './checks.js'
import { factorOf, resolveTemperature, type TemperatureOptions } from './temperature.js'

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
