import type { Block, NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import { dispose, type Tensor, tensor } from '@tensorflow/tfjs-core'

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

/** Float64 sums over batches, by name. Reading one throws where it is not finite, or there was no batch. */
export interface Moments {
  /** Adds the values of a batch and frees their tensors. */
  add(values: NamedTensors): Promise<void>
  /** The sum under a name [rows, columns]. */
  matrix(name: string, rows: number, columns: number): Matrix64
  values(name: string): Float64Array
}

export function createMoments(): Moments {
  const sums = new Map<string, Float64Array>()
  const values = (name: string): Float64Array => {
    const sum = sums.get(name)
    if (!sum) throw new Error(`there must be calibration images; none gave ${name}`)
    if (!sum.every(Number.isFinite)) {
      throw new Error(`calibration: images and weights must give finite numbers; the sums of '${name}' hold NaN or Infinity`)
    }
    return sum
  }
  return {
    async add(tensors) {
      const read = Object.entries(tensors).map(async ([name, tensor]) => [name, await tensor.data<'float32'>()] as const)
      const batch = await Promise.all(read).finally(() => dispose(tensors))
      for (const [name, numbers] of batch) {
        const sum = sums.get(name) ?? new Float64Array(numbers.length)
        for (let i = 0; i < numbers.length; i++) sum[i]! += numbers[i]!
        sums.set(name, sum)
      }
    },
    values,
    matrix: (name, rows, columns) => matrixOf(values(name), rows, columns),
  }
}

/** Notes a tensor to be freed and returns it. */
export type Keep = <T extends Tensor>(tensor: T) => T

/** `tidy` for functions that wait: frees the tensors that `run` handed to `keep`, also where it throws. Those freed before are passed over. */
export async function freeing<T>(run: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Tensor[] = []
  try {
    return await run((tensor) => {
      kept.push(tensor)
      return tensor
    })
  } finally {
    dispose(kept)
  }
}
