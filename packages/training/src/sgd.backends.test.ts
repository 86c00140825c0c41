import { describeEachBackend, valuesOf } from '@learngene/testing'
import { memory, tensor, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { disposeState, takeStep } from './optimizer.js'
import { sgd } from './sgd.js'

describeEachBackend(() => {
  test.each([0, 0.9])('with momentum %d, steps equal a float64 loop and leave no tensors', async (momentum) => {
    const start = memory().numTensors
    const initial = tensor([1, -2])
    const parameters = { p: variable(initial) }
    const optimizer = sgd({ momentum })
    const state = optimizer.init(parameters)
    const between = memory().numTensors
    const expected = [1, -2]
    const velocity = [0, 0]
    for (let step = 0; step < 5; step++) {
      const gradient = [step - 1, 0.5 * step]
      for (let i = 0; i < 2; i++) {
        velocity[i] = momentum * velocity[i]! + gradient[i]!
        expected[i]! -= 0.1 * velocity[i]!
      }
      const given = tensor(gradient)
      takeStep(optimizer, parameters, { p: given }, state, 0.1)
      given.dispose()
      expect(memory().numTensors).toBe(between)
    }
    const values = await valuesOf(parameters.p)
    expected.forEach((value, i) => void expect(values[i]).toBeCloseTo(value, 5))
    disposeState(state)
    parameters.p.dispose()
    initial.dispose()
    expect(memory().numTensors).toBe(start)
  })
})

test.each<[unknown, string]>([
  [0.9, 'sgd: options must be an object; got 0.9'],
  [{ momentum: 1 }, 'sgd: momentum must be a number from 0 to below 1; got 1'],
])('%j is refused', (options, message) => {
  expect(() => sgd(options as object)).toThrow(message)
})
