import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { tensor, type Variable, variable } from '@tensorflow/tfjs-core'

/** A trained tensor holding the given values. */
export function parameter(values: Float32Array, shape: readonly number[]): Variable {
  const initial = tensor(values, [...shape], 'float32')
  const result = variable(initial)
  initial.dispose()
  return result
}

/** A trained tensor of one value. */
export function constant(value: number, shape: readonly number[]): Variable {
  return parameter(new Float32Array(sizeOf(shape)).fill(value), shape)
}

/** A trained tensor drawn from a normal distribution, redrawn beyond two standard deviations; ViT's initialisation has deviation 0.02. */
export function truncatedNormal(rng: Rng, shape: readonly number[], deviation = 0.02): Variable {
  const values = new Float32Array(sizeOf(shape))
  for (let i = 0; i < values.length; i++) {
    let draw = rng.normal()
    while (Math.abs(draw) > 2) draw = rng.normal()
    values[i] = draw * deviation
  }
  return parameter(values, shape)
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}

/** Number of trained scalars. */
export function countParameters(parameters: Parameters): number {
  return Object.values(parameters).reduce((sum, { size }) => sum + size, 0)
}

/** The same tensors under longer names: `qkv.weight` -> `blocks.3.qkv.weight`. */
export function prefixed(prefix: string, parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`${prefix}${name}`, value]))
}
