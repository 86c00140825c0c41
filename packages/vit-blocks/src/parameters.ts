import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { type Tensor, tensor, type Variable, variable } from '@tensorflow/tfjs-core'

/** Gives a part's weight by its local name, `norm1.weight`, whenever the part's forward pass uses it. Called inside of a tidy. */
export type ReadWeight = (name: string) => Tensor

/** A trained tensor holding the given values. */
export function parameter(values: Float32Array, shape: readonly number[]): Variable {
  return weightless(shape) ?? allocate(values, shape)
}

/** A trained tensor of one value. */
export function constant(value: number, shape: readonly number[]): Variable {
  return weightless(shape) ?? allocate(new Float32Array(sizeOf(shape)).fill(value), shape)
}

/** A trained tensor drawn from a normal distribution, redrawn beyond two standard deviations; ViT's initialisation has deviation 0.02. */
export function truncatedNormal(rng: Rng, shape: readonly number[], deviation = 0.02): Variable {
  return weightless(shape) ?? allocate(drawTruncatedNormal(rng, sizeOf(shape), deviation), shape)
}

function drawTruncatedNormal(rng: Rng, length: number, deviation: number): Float32Array {
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    let draw = rng.normal()
    while (Math.abs(draw) > 2) draw = rng.normal()
    values[i] = draw * deviation
  }
  return values
}

function allocate(values: Float32Array, shape: readonly number[]): Variable {
  const initial = tensor(values, [...shape], 'float32')
  const result = variable(initial)
  initial.dispose()
  return result
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

/** Gives trained tensors the values of those of the same names and shapes. */
export function copyParameters(from: Parameters, to: Parameters): void {
  for (const [name, parameter] of Object.entries(to)) parameter.assign(from[name]!)
}

/** Frees trained tensors. */
export function disposeParameters(parameters: Parameters): void {
  for (const parameter of Object.values(parameters)) parameter.dispose()
}

/** What an error advises instead of using such a parameter; undefined outside of {@link withoutWeights}. */
let advice: string | undefined

/**
 * Runs `build` so that the parameters it makes with {@link parameter}, {@link constant} and {@link truncatedNormal} have shapes but no values:
 * whole families of networks are built at no cost, without a backend, to be counted. Their parameters answer for shape and size; any other use is an error.
 * A block kind that makes its tensors otherwise is built with them; {@link disposeNetwork} frees those.
 *
 * @param build synchronous
 * @param instead what the error that a use is answered with advises
 */
export function withoutWeights<T>(build: () => T, instead = 'build the network outside of it to run it'): T {
  const outer = advice
  advice = instead
  try {
    return build()
  } finally {
    advice = outer
  }
}

/** A parameter without values inside {@link withoutWeights}, undefined outside. */
function weightless(shape: readonly number[]): Variable | undefined {
  if (advice === undefined) return undefined
  const instead = advice
  const known = {
    shape: [...shape],
    rank: shape.length,
    size: shape.reduce((product, length) => product * length, 1),
    dtype: 'float32',
    isDisposed: false,
    dispose() {},
  }
  return new Proxy(known, {
    get(target, key) {
      if (typeof key === 'symbol' || key in target) return Reflect.get(target, key)
      throw new Error(
        `a parameter made withoutWeights has a shape, [${shape.join(', ')}], but no values, so '${key}' cannot be used; ${instead}`,
      )
    },
  }) as unknown as Variable
}
