import { dispose, grads, memory, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { expectClose } from './expect-close.js'
import { randomTensors } from './random-tensors.js'
import { valuesOf } from './values-of.js'

type Operation = (...inputs: Tensor[]) => Tensor

const STEP = 1e-2

/**
 * Checks the gradients of every input against central differences of sum(weights x operation), the sum taken in double precision, and that
 * neither pass leaves tensors behind. Owns its inputs.
 */
export async function checkGradients(operation: Operation, inputs: Tensor[], tolerance: number): Promise<void> {
  checkLeaks(operation, inputs)
  const weights = tidy(() => randomTensors(7)(operation(...inputs).shape))
  const analytic = grads(operation)(inputs, weights)
  for (const [i, gradient] of analytic.entries()) {
    expect(gradient.shape, `gradient ${i}: shape`).toEqual(inputs[i]!.shape)
    await expectClose(gradient, await numericGradient(operation, inputs, i, weights), tolerance, `gradient ${i}`)
  }
  dispose([analytic, weights, inputs])
}

async function numericGradient(operation: Operation, inputs: readonly Tensor[], which: number, weights: Tensor): Promise<number[]> {
  const { shape } = inputs[which]!
  const values = await valuesOf(inputs[which]!)
  const weightValues = await valuesOf(weights)
  const changed = (index: number, change: number) =>
    tidy(() => operation(...inputs.with(which, tensor(values.with(index, values[index]! + change), shape))))
  // All are queued before the first is read: waiting for each would take a GPU most of its time.
  const outputs = [...values.keys()].map((index) => [changed(index, STEP), changed(index, -STEP)] as const)
  const read = await Promise.all(outputs.map(([above, below]) => Promise.all([valuesOf(above), valuesOf(below)])))
  dispose(outputs.flat())
  return read.map(([above, below]) => weightValues.reduce((sum, weight, i) => sum + weight * (above[i]! - below[i]!), 0) / (2 * STEP))
}

/** Checks that neither the forward nor the backward pass leaves tensors behind. */
export function checkLeaks(operation: Operation, inputs: Tensor[]): void {
  const before = memory().numTensors
  const y = operation(...inputs)
  expect(memory().numTensors, 'tensors after the forward pass').toBe(before + 1)
  const gradients = grads(operation)(inputs, y)
  dispose([y, gradients])
  expect(memory().numTensors, 'tensors after the backward pass').toBe(before)
}
