import { expectClose, randomTensors, valuesOf } from '@learngene/testing'
import {
  dispose,
  memory,
  mul,
  scalar,
  square,
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
import { type AdamWStep, adamW, adamWRow } from './adamw.js'
import { describeVariants } from './testing/variants.js'

const CONSTANTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
const LENGTH = 11

type Moments = { readonly m: Variable; readonly v: Variable }

const zeroMoments = (shape: readonly number[]): Moments => ({ m: variable(zeros([...shape])), v: variable(zeros([...shape])) })

/** One step of each of the parameters, every one with a row of its own. */
function takeStep(slots: readonly (Moments & { parameter: Variable; gradient: Tensor })[], steps: readonly AdamWStep[], factor = 1): void {
  tidy(() => {
    const scalars = tensor2d([...steps.map((step) => adamWRow(step, CONSTANTS)), ...steps.map(() => [factor, 0, 0, 0])])
    adamW(
      slots.map((slot, row) => ({ ...slot, row })),
      scalars,
      CONSTANTS,
    )
  })
}

describeVariants(({ tolerances }) => {
  test('follows the scalar recursion in double precision, each parameter with its own numbers', async () => {
    const random = randomTensors(1)
    const rates = [
      { learningRate: 1e-3, weightDecay: 0.05 },
      { learningRate: 2e-2, weightDecay: 0 },
    ]
    const shapes = [[LENGTH], []]
    const starts = shapes.map((shape) => random(shape))
    const slots = starts.map((start) => ({ parameter: variable(start), ...zeroMoments(start.shape) }))
    const expected = (await Promise.all(starts.map(valuesOf))).map((p) => ({ p, m: p.map(() => 0), v: p.map(() => 0) }))
    for (let step = 1; step <= 6; step++) {
      const gradients = slots.map(({ parameter }) => random(parameter.shape, 0.1))
      takeStep(
        slots.map((slot, i) => ({ ...slot, gradient: gradients[i]! })),
        rates.map((rate) => ({ ...rate, step })),
      )
      for (const [k, { p, m, v }] of expected.entries()) {
        const { learningRate, weightDecay } = rates[k]!
        for (const [i, g] of (await valuesOf(gradients[k]!)).entries()) {
          m[i] = 0.9 * m[i]! + 0.1 * g
          v[i] = 0.999 * v[i]! + 0.001 * g * g
          const correctedM = m[i]! / (1 - 0.9 ** step)
          const correctedV = v[i]! / (1 - 0.999 ** step)
          p[i] = p[i]! * (1 - learningRate * weightDecay) - (learningRate * correctedM) / (Math.sqrt(correctedV) + 1e-8)
        }
      }
    }
    for (const [k, { p, m, v }] of expected.entries()) {
      await expectClose(slots[k]!.parameter, p, tolerances.adamW)
      await expectClose(slots[k]!.m, m, tolerances.adamW)
      await expectClose(slots[k]!.v, v, tolerances.adamW)
    }
  })

  test('moves a parameter by the learning rate in its first step, whatever the size of the gradient', async () => {
    const parameter = variable(tensor([1, 1, 1]))
    takeStep([{ parameter, gradient: tensor([1e-3, -1, 0]), ...zeroMoments([3]) }], [{ learningRate: 1e-3, weightDecay: 0, step: 1 }])
    await expectClose(parameter, [1 - 1e-3, 1 + 1e-3, 1], tolerances.adamW)
  })

  test('keeps the number of tensors, leaves the gradient alone, and does not touch what aliases the parameter', async () => {
    const initial = tensor([1, 2, 3])
    const parameter = variable(initial)
    const moments = zeroMoments([3])
    const gradient = tensor([1, 1, 1])
    const before = memory().numTensors
    for (let step = 1; step <= 3; step++) {
      takeStep([{ parameter, gradient, ...moments }], [{ learningRate: 1e-3, weightDecay: 0.05, step }])
    }
    expect(memory().numTensors).toBe(before)
    expect(await valuesOf(gradient)).toEqual([1, 1, 1])
    expect(await valuesOf(initial)).toEqual([1, 2, 3])
    expect((await valuesOf(parameter))[0]).toBeLessThan(1)
    dispose([initial, parameter, moments.m, moments.v, gradient])
  })

  test('the factor multiplies the gradient; at 0 every bit stays, whatever the gradient is', async () => {
    const random = randomTensors(3)
    const starts = [[LENGTH], [3, 5], []].map((shape) => [random(shape), random(shape), square(random(shape))] as const)
    const slots = () => starts.map(([parameter, m, v]) => ({ parameter: variable(parameter), m: variable(m), v: variable(v) }))
    const steps = starts.map(() => ({ learningRate: 0.1, weightDecay: 0.05, step: 3 }))
    const gradients = starts.map(([parameter]) => random(parameter.shape))
    const [halved, given, left] = [slots(), slots(), slots()]
    takeStep(
      halved.map((slot, i) => ({ ...slot, gradient: gradients[i]! })),
      steps,
      0.5,
    )
    takeStep(
      given.map((slot, i) => ({ ...slot, gradient: mul(gradients[i]!, 0.5) })),
      steps,
    )
    const spoiled = gradients.map((gradient) => mul(gradient, Number.NaN))
    takeStep(
      left.map((slot, i) => ({ ...slot, gradient: spoiled[i]! })),
      steps,
      0,
    )
    for (const [i, start] of starts.entries()) {
      for (const [k, name] of (['parameter', 'm', 'v'] as const).entries()) {
        expect(await valuesOf(halved[i]![name])).toEqual(await valuesOf(given[i]![name]))
        expect(await valuesOf(left[i]![name])).toEqual(await valuesOf(start[k]!))
      }
    }
  })

  test('scalars without a row for each slot are refused', () => {
    const slot = { parameter: variable(scalar(1)), gradient: scalar(1), ...zeroMoments([]), row: 2 }
    const message =
      'adamW: scalars must be [2 P, 4] with a row of numbers and one of the factor for each slot, up to row 2; got scalars [4, 4]'
    expect(() => adamW([slot], zeros([4, 4]) as Tensor2D, CONSTANTS)).toThrow(message)
    expect(() => adamW([slot], zeros([6, 3]) as Tensor2D, CONSTANTS)).toThrow('got scalars [6, 3]')
  })
})
