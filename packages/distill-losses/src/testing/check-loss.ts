import { dispose, grads, memory, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { expectClose } from './expect-close.js'
import { randomTensors } from './random.js'
import { TOLERANCES } from './tolerances.js'

const STEP = 1e-2

/**
 * Checks that a loss gives one value per example, that its gradients in all inputs equal central differences of sum(weights x loss), and that
 * neither pass leaves tensors behind. Owns its inputs.
 */
export function checkLoss(loss: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): void {
  const before = memory().numTensors
  const values = loss(...inputs)
  expect(values.shape, 'one value per example').toEqual([inputs[0]!.shape[0]])
  expect(memory().numTensors, 'tensors after the forward pass').toBe(before + 1)
  const weights = randomTensors(7)(...values.shape)
  const gradients = grads(loss)(inputs, weights)
  expect(memory().numTensors, 'tensors after the backward pass').toBe(before + 2 + inputs.length)
  for (const [i, gradient] of gradients.entries()) {
    expectClose(gradient, numericGradient(loss, inputs, i, weights), TOLERANCES.numericGradient, `gradient ${i}`)
  }
  dispose([values, weights, gradients, inputs])
}

function numericGradient(loss: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], which: number, weights: Tensor): Float64Array {
  const values = inputs[which]!.dataSync()
  const weightValues = weights.dataSync()
  const total = (index: number, change: number) =>
    tidy(() => {
      const changed = Float32Array.from(values)
      changed[index]! += change
      const outputs = Array.from(loss(...inputs.with(which, tensor(changed, inputs[which]!.shape))).dataSync())
      return outputs.reduce((sum, output, i) => sum + output * weightValues[i]!, 0)
    })
  return Float64Array.from(values, (_, index) => (total(index, STEP) - total(index, -STEP)) / (2 * STEP))
}

/** Checks that no gradient reaches the teacher, whose tensor stands second. Owns its inputs. */
export function checkTeacherIsData(loss: (student: Tensor, teacher: Tensor) => Tensor, student: Tensor, teacher: Tensor): void {
  expect(() => grads((teacher: Tensor) => loss(student, teacher))([teacher])).toThrow(/Cannot compute gradient/)
  dispose([student, teacher])
}
