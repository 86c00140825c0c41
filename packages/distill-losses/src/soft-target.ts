import { softenedCrossEntropy } from '@learngene/ops'
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import { requireSameLogits } from './checks.js'
import { factorOf, resolveTemperature, type TemperatureOptions } from './temperature.js'

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
