import { dispose, memory, tensor, variable, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { expectClose } from './testing/expect-close.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'
import { describeVariants } from './testing/variants.js'

const OPTIONS = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05 }
const LENGTH = 11

describeVariants(() => {
  test('follows the scalar recursion in double precision', () => {
    const random = randomTensors(1)
    const parameter = variable(random([LENGTH]))
    const moments = { m: variable(zeros([LENGTH])), v: variable(zeros([LENGTH])) }
    const p = Float64Array.from(parameter.dataSync())
    const m = new Float64Array(LENGTH)
    const v = new Float64Array(LENGTH)
    for (let step = 1; step <= 6; step++) {
      const gradient = random([LENGTH], 0.1)
      adamW(parameter, gradient, moments, { ...OPTIONS, step })
      for (const [i, g] of gradient.dataSync().entries()) {
        m[i] = 0.9 * m[i]! + 0.1 * g
        v[i] = 0.999 * v[i]! + 0.001 * g * g
        const correctedM = m[i]! / (1 - 0.9 ** step)
        const correctedV = v[i]! / (1 - 0.999 ** step)
        p[i] = p[i]! * (1 - 1e-3 * 0.05) - (1e-3 * correctedM) / (Math.sqrt(correctedV) + 1e-8)
      }
    }
    expectClose(parameter, p, TOLERANCES.adamW)
    expectClose(moments.m, m, TOLERANCES.adamW)
    expectClose(moments.v, v, TOLERANCES.adamW)
  })

  test('moves a parameter by the learning rate in its first step, whatever the size of the gradient', () => {
    const parameter = variable(tensor([1, 1, 1]))
    const moments = { m: variable(zeros([3])), v: variable(zeros([3])) }
    adamW(parameter, tensor([1e-3, -1, 0]), moments, { ...OPTIONS, weightDecay: 0, step: 1 })
    expectClose(parameter, [1 - 1e-3, 1 + 1e-3, 1], TOLERANCES.adamW)
  })

  test('keeps the number of tensors, leaves the gradient alone, and does not touch what aliases the parameter', () => {
    const initial = tensor([1, 2, 3])
    const parameter = variable(initial)
    const moments = { m: variable(zeros([3])), v: variable(zeros([3])) }
    const gradient = tensor([1, 1, 1])
    const before = memory().numTensors
    for (let step = 1; step <= 3; step++) adamW(parameter, gradient, moments, { ...OPTIONS, step })
    expect(memory().numTensors).toBe(before)
    expect([...gradient.dataSync()]).toEqual([1, 1, 1])
    expect([...initial.dataSync()]).toEqual([1, 2, 3])
    expect(parameter.dataSync()[0]).toBeLessThan(1)
    dispose([initial, parameter, moments.m, moments.v, gradient])
  })
})
