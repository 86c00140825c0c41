import '@tensorflow/tfjs-backend-cpu'
import { memory, setBackend, tensor, variable } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { disposeState } from './optimizer.js'
import { sgd } from './sgd.js'
import { takeStep } from './take-step.js'

beforeAll(() => setBackend('cpu'))

test.each([0, 0.9])('with momentum %d, steps equal a float64 loop and leave no tensors', (momentum) => {
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
  const values = parameters.p.dataSync()
  expected.forEach((value, i) => void expect(values[i]).toBeCloseTo(value, 5))
  disposeState(state)
  parameters.p.dispose()
  initial.dispose()
  expect(memory().numTensors).toBe(start)
})
