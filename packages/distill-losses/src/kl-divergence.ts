import { withGradient } from '@learngene/ops'
import { exp, logSoftmax, mul, reshape, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { requireSameLogits } from './checks.js'
import { reduceClasses, resolveTemperature, soften, type TemperatureOptions } from './temperature.js'

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
  return tidy(() => {
    const divergence = divergenceOf(soften(logits, resolved), soften(teacherLogits, resolved))
    return reduceClasses(divergence, logits.shape[1]!, resolved)
  })
}

function divergenceOf(logits: Tensor2D, teacherLogits: Tensor2D): Tensor1D {
  return withGradient([logits], () => {
    const student = logSoftmax(logits)
    const teacher = logSoftmax(teacherLogits)
    const probabilities = exp(teacher)
    return {
      value: sum(mul(probabilities, sub(teacher, student)), -1) as Tensor1D,
      saved: [student, probabilities] as const,
      gradient: (dy, student, probabilities) => [mul(reshape(dy, [-1, 1]), sub(exp(student), probabilities))], // [B, C]
    }
  })
}
