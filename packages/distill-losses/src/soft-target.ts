import { crossEntropy } from '@learngene/ops'
import { softmax, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core'
import { requireSameLogits } from './checks.js'
import { reduceClasses, resolveTemperature, soften, type TemperatureOptions } from './temperature.js'

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
  return tidy(() => {
    const probabilities = softmax(soften(teacherLogits, resolved))
    return reduceClasses(crossEntropy(soften(logits, resolved), probabilities), logits.shape[1]!, resolved)
  })
}
