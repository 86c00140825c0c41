import { clone, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core'
import { mapTensors, tensorsOf } from './tree.js'

/** What a run gave: the value in the function's own structure, and its tensors. */
export interface RunResult {
  readonly result: unknown
  readonly tensors: readonly Tensor[]
}

/** Calls the function and frees all it makes but its outputs. Outputs that are not its own (an input, a variable) are clones. */
export function runPlain(run: (inputs: unknown) => unknown, inputs: unknown): RunResult {
  const result = tidy(() => {
    const { id: first } = scalar(0)
    return mapTensors(checkSynchronous(run(inputs)), (tensor) => (tensor.id > first ? tensor : clone(tensor))) as never
  }) as unknown
  return { result, tensors: tensorsOf(result) }
}

/** @throws when the value is a promise */
export function checkSynchronous<T>(value: T): T {
  if (!(value instanceof Promise)) return value
  value.catch(() => {})
  throw new Error('compileStep: the function must be synchronous, since its commands are recorded while it runs; it returned a promise')
}
