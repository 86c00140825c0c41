import type { NamedTensors } from '@learngene/interfaces/tensors'
import { type Matrix64, matrixOf } from '@learngene/stitch/linear-algebra'
import { dispose } from '@tensorflow/tfjs-core'

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
