import {
  dispose,
  memory,
  scalar,
  type Tensor,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { type AdamWStep, adamWRow } from './adamw-row.js'
import { expectClose } from './testing/expect-close.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'
import { describeVariants } from './testing/variants.js'

const CONSTANTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
const LENGTH = 11

type Moments = { readonly m: Variable; readonly v: Variable }

const zeroMoments = (shape: readonly number[]): Moments => ({ m: variable(zeros([...shape])), v: variable(zeros([...shape])) })

/** One step of each of the parameters, every one with a row of its own. */
function takeStep(slots: readonly (Moments & { parameter: Variable; gradient: Tensor })[], steps: readonly AdamWStep[]): void {
  tidy(() => {
    const scalars = tensor2d(steps.map((step) => adamWRow(step, CONSTANTS)))
    adamW(
      slots.map((slot, row) => ({ ...slot, row })),
      scalars,
      CONSTANTS,
    )
  })
}

describeVariants(() => {
  test('follows the scalar recursion in double precision, each parameter with its own numbers', () => {
    const random = randomTensors(1)
    const rates = [
      { learningRate: 1e-3, weightDecay: 0.05 },
      { learningRate: 2e-2, weightDecay: 0 },
    ]
    const shapes = [[LENGTH], []]
    const slots = shapes.map((shape) => ({ parameter: variable(random(shape)), ...zeroMoments(shape) }))
    const expected = slots.map(({ parameter }) => ({
      p: Float64Array.from(parameter.dataSync()),
      m: new Float64Array(parameter.size),
      v: new Float64Array(parameter.size),
    }))
    for (let step = 1; step <= 6; step++) {
      const gradients = slots.map(({ parameter }) => random(parameter.shape, 0.1))
      takeStep(
        slots.map((slot, i) => ({ ...slot, gradient: gradients[i]! })),
        rates.map((rate) => ({ ...rate, step })),
      )
      for (const [k, { p, m, v }] of expected.entries()) {
        const { learningRate, weightDecay } = rates[k]!
        for (const [i, g] of gradients[k]!.dataSync().entries()) {
          m[i] = 0.9 * m[i]! + 0.1 * g
          v[i] = 0.999 * v[i]! + 0.001 * g * g
          const correctedM = m[i]! / (1 - 0.9 ** step)
          const correctedV = v[i]! / (1 - 0.999 ** step)
          p[i] = p[i]! * (1 - learningRate * weightDecay) - (learningRate * correctedM) / (Math.sqrt(correctedV) + 1e-8)
        }
      }
    }
    for (const [k, { p, m, v }] of expected.entries()) {
      expectClose(slots[k]!.parameter, p, TOLERANCES.adamW)
      expectClose(slots[k]!.m, m, TOLERANCES.adamW)
      expectClose(slots[k]!.v, v, TOLERANCES.adamW)
    }
  })

  test('moves a parameter by the learning rate in its first step, whatever the size of the gradient', () => {
    const parameter = variable(tensor([1, 1, 1]))
    takeStep([{ parameter, gradient: tensor([1e-3, -1, 0]), ...zeroMoments([3]) }], [{ learningRate: 1e-3, weightDecay: 0, step: 1 }])
    expectClose(parameter, [1 - 1e-3, 1 + 1e-3, 1], TOLERANCES.adamW)
  })

  test('keeps the number of tensors, leaves the gradient alone, and does not touch what aliases the parameter', () => {
    const initial = tensor([1, 2, 3])
    const parameter = variable(initial)
    const moments = zeroMoments([3])
    const gradient = tensor([1, 1, 1])
    const before = memory().numTensors
    for (let step = 1; step <= 3; step++) {
      takeStep([{ parameter, gradient, ...moments }], [{ learningRate: 1e-3, weightDecay: 0.05, step }])
    }
    expect(memory().numTensors).toBe(before)
    expect([...gradient.dataSync()]).toEqual([1, 1, 1])
    expect([...initial.dataSync()]).toEqual([1, 2, 3])
    expect(parameter.dataSync()[0]).toBeLessThan(1)
    dispose([initial, parameter, moments.m, moments.v, gradient])
  })

  test('scalars without a row for each slot are refused', () => {
    const slot = { parameter: variable(scalar(1)), gradient: scalar(1), ...zeroMoments([]), row: 2 }
    const message = 'adamW: scalars must be [P, 4] with a row for each slot, up to row 2; got scalars [2, 4]'
    expect(() => adamW([slot], zeros([2, 4]) as Tensor2D, CONSTANTS)).toThrow(message)
    expect(() => adamW([slot], zeros([3, 3]) as Tensor2D, CONSTANTS)).toThrow('got scalars [3, 3]')
  })
})
