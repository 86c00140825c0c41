import type { AffineMap } from '@learngene/vit-blocks'
import type { StitchProblem } from './problem.js'

/** PyTorch's default for a Linear: weight, then bias, uniform between -1 / sqrt(D_s) and 1 / sqrt(D_s). */
export function random({ inputs, outputs, rng }: StitchProblem): AffineMap {
  const bound = 1 / Math.sqrt(inputs)
  const draw = (length: number) => Float32Array.from({ length }, () => (2 * rng.uniform() - 1) * bound)
  return { inputs, outputs, weight: draw(outputs * inputs), bias: draw(outputs) }
}
