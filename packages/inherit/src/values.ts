import type { Block, Parameters } from '@learngene/interfaces/tensors'
import { tensor } from '@tensorflow/tfjs-core'

/** Values of parameters, by name. */
export interface Values {
  readonly [name: string]: { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array }
}

/** Gives parameters new values, rounded to float32. */
export function assignValues(parameters: Parameters, values: Values): void {
  for (const [name, { data, shape }] of Object.entries(values)) {
    const value = tensor(Float32Array.from(data), [...shape], 'float32')
    parameters[name]!.assign(value)
    value.dispose()
  }
}

/** Parameters as float64 numbers. */
export async function float64Of({ parameters }: Pick<Block, 'parameters'>): Promise<{ [name: string]: Float64Array }> {
  const entries = Object.entries(parameters).map(async ([name, parameter]) => [name, Float64Array.from(await parameter.data())] as const)
  return Object.fromEntries(await Promise.all(entries))
}
