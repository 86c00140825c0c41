import type { Block, Parameters } from '@learngene/interfaces/tensors'
import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
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

/** A linear map that reads a layer norm, with the norm's gamma and beta folded in: W diag(gamma), b + W beta. */
export function foldedReader(
  values: { readonly [name: string]: Float64Array },
  map: string,
  norm: string,
): { readonly weight: Matrix64; readonly bias: Float64Array } {
  const gamma = values[`${norm}.weight`]!
  const beta = values[`${norm}.bias`]!
  const width = gamma.length
  const weight = values[`${map}.weight`]!.slice()
  const bias = values[`${map}.bias`]!.slice()
  for (let row = 0; row < bias.length; row++) {
    for (let column = 0; column < width; column++) {
      bias[row]! += weight[row * width + column]! * beta[column]!
      weight[row * width + column]! *= gamma[column]!
    }
  }
  return { weight: matrixOf(weight, bias.length, width), bias }
}
