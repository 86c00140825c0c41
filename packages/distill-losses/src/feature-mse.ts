import { meanSquaredError } from '@learngene/ops'
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import { requireSameFeatures } from './checks.js'

/**
 * Mean squared error of features of one width: sum_nd (s_nd - t_nd)^2 / (N D) (FitNets, Romero et al. 2015, arXiv 1412.6550, as a mean).
 * Gradient to the student's features only: 2 (s - t) / (N D).
 *
 * @param student s [B, N, D], or any other shape [B, ...]
 * @param teacher t, the same shape
 * @returns [B]
 * @throws when the shapes differ
 */
export function featureMse(student: Tensor, teacher: Tensor): Tensor1D {
  requireSameFeatures('featureMse', student, teacher)
  return meanSquaredError(student, teacher)
}
