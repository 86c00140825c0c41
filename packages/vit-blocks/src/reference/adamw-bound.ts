import { type AdamWConstants, adamWRow } from '@learngene/ops'
import { referenceTolerances } from './tolerances.js'

/** Roundings of float32 that the two sides' steps may make of a parameter and of an update, in units of 2^-24: some five operations a step each. */
const roundings = 32

/** The distance that a step's update can have from another one: each is at most 1 but for the moments' different memories. */
const farthest = 2.1

/**
 * How far each component of a parameter may be from the reference after AdamW's steps, where both are right.
 *
 * Adam divides a gradient by its own size, u = m / (sqrt(v) + epsilon), so that a component moves by about the learning rate however small its gradient is.
 * Where that is nearly zero beside those of its tensor, it is rounding, its sign open, and the update anything: an error there says nothing, and a mean over
 * the tensor shows just that. So the error that a gradient may have, e = tolerance (|g| + rms of the tensor's gradient), is carried through the update,
 * component by component: to first order sum_i |du / dg_i| e_i, to second 2 (e / (sqrt(v) + epsilon))^2, and at most from one full update to the opposite. A
 * component of usual size may then differ by some 1e-5 of an update, one below the noise by all of it.
 *
 * @param gradients of each step, all components; the first has no error, being the reference's own
 * @param parameter the values after the steps, whose size gives the rounding
 */
export function adamWBound(
  gradients: readonly Float32Array[],
  parameter: Float32Array,
  { learningRate, beta1, beta2, epsilon }: AdamWConstants & { readonly learningRate: number },
): Float64Array {
  const tolerances = gradients.map((_, i) => (i === 0 ? 0 : referenceTolerances.gradients))
  const typical = gradients.map(rootMeanSquare)
  const weights = gradients.map((_, t) => {
    const [, , mCorrection, vCorrection] = adamWRow({ learningRate, weightDecay: 0, step: t + 1 }, { beta1, beta2, epsilon })
    const memory = (beta: number, correction: number) => Array.from({ length: t + 1 }, (_, i) => (1 - beta) * beta ** (t - i) * correction)
    return { first: memory(beta1, mCorrection), second: memory(beta2, vCorrection) }
  })
  return Float64Array.from(parameter, (value, k) => {
    let bound = roundings * 2 ** -24 * (Math.abs(value) + learningRate * gradients.length)
    for (const { first, second } of weights) {
      let [m, v] = [0, 0]
      for (const [i, weight] of first.entries()) {
        const g = gradients[i]![k]!
        m += weight * g
        v += second[i]! * g * g
      }
      const root = Math.sqrt(v)
      const size = root + epsilon
      let [linear, largest] = [0, 0]
      for (const [i, weight] of first.entries()) {
        const g = gradients[i]![k]!
        const error = tolerances[i]! * (typical[i]! + Math.abs(g))
        const throughRoot = root === 0 ? 0 : (m * second[i]! * g) / (size * size * root)
        linear += Math.abs(weight / size - throughRoot) * error
        largest = Math.max(largest, error)
      }
      bound += learningRate * Math.min(farthest, linear + 2 * (largest / size) ** 2)
    }
    return bound
  })
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
}
