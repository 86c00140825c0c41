import type { Variable } from '@tensorflow/tfjs-core'

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
export function weightless(shape: readonly number[]): Variable | undefined {
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
