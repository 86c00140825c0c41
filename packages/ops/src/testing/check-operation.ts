import { dispose, grads, memory, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { expectClose } from './expect-close.js'
import { randomTensors } from './random.js'
import { TOLERANCES } from './tolerances.js'

type Operation = (...inputs: Tensor[]) => Tensor

const STEP = 1e-2

/**
 * Checks the gradients of every input against central differences of sum(weights x operation), the sum taken in double precision, and that
 * neither pass leaves tensors behind. Owns its inputs.
 */
export function checkOperation(operation: Operation, inputs: Tensor[]): void {
  checkLeaks(operation, inputs)
  const weights = tidy(() => randomTensors(7)(operation(...inputs).shape))
  const analytic = grads(operation)(inputs, weights)
  for (const [i, gradient] of analytic.entries()) {
    expect(gradient.shape, `gradient ${i}: shape`).toEqual(inputs[i]!.shape)
    expectClose(gradient, numericGradient(operation, inputs, i, weights), TOLERANCES.numericGradient, `gradient ${i}`)
  }
  dispose([analytic, weights, inputs])
}

function numericGradient(operation: Operation, inputs: readonly Tensor[], which: number, weights: Tensor): Float64Array {
  const values = inputs[which]!.dataSync()
  const weightValues = weights.dataSync()
  const total = (index: number, change: number) =>
    tidy(() => {
      const changed = Float32Array.from(values)
      changed[index]! += change
      const outputs = operation(...inputs.with(which, tensor(changed, inputs[which]!.shape))).dataSync()
      let sum = 0
      for (const [i, output] of outputs.entries()) sum += output * weightValues[i]!
      return sum
    })
  return Float64Array.from(values, (_, index) => (total(index, STEP) - total(index, -STEP)) / (2 * STEP))
}

function checkLeaks(operation: Operation, inputs: Tensor[]): void {
  const before = memory().numTensors
  const y = operation(...inputs)
  expect(memory().numTensors, 'tensors after the forward pass').toBe(before + 1)
  const gradients = grads(operation)(inputs, y)
  dispose([y, gradients])
  expect(memory().numTensors, 'tensors after the backward pass').toBe(before)
}
