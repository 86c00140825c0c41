import { expectClose, randomTensors } from '@learngene/testing'
import { clone, dispose, engine, memory, type Tensor, type Tensor2D, tensor2d, type Variable, variable, zeros } from '@tensorflow/tfjs-core'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { adamW, adamWRow } from '../../adamw.js'
import { findKernel, setOps } from '../../kernels.js'
import { describeWebGPU } from '../../testing/compare-modes.js'
import type { WebGPUBackend } from '../backend.js'

const CONSTANTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }

const scalarsOf = (step: number, rows: number): Tensor2D =>
  tensor2d([
    ...Array.from({ length: rows }, (_, row) => adamWRow({ learningRate: 0.01 * (row + 1), weightDecay: 0.05 * row, step }, CONSTANTS)),
    ...Array.from({ length: rows }, () => [1, 0, 0, 0]),
  ])

interface Slot {
  readonly parameter: Variable
  readonly m: Variable
  readonly v: Variable
}

function slotOf(shape: readonly number[], random: ReturnType<typeof randomTensors>): Slot {
  const values = [random(shape), random(shape), zeros([...shape])]
  const [parameter, m, v] = values.map((value) => variable(value)) as [Variable, Variable, Variable]
  dispose(values)
  return { parameter, m, v }
}

function takeStep(slots: readonly Slot[], gradients: readonly Tensor[], step: number): void {
  const scalars = scalarsOf(step, slots.length)
  const rows = slots.map((slot, i) => ({ ...slot, gradient: gradients[i]!, row: slots.length - 1 - i }))
  adamW(rows, scalars, CONSTANTS)
  scalars.dispose()
}

describeWebGPU((tolerances) => {
  beforeAll(() => expect(findKernel('LearngeneAdamWSlots')).toBeDefined())

  test('equals its reference form for any number of parameters of any size', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1023, 1024, 1025, 3000)), {
      minLength: 1,
      maxLength: 7,
    })
    const property = fc.asyncProperty(fc.integer(), sizes, fc.integer({ min: 1, max: 50 }), async (seed, sizes, step) => {
      const results = (['reference', 'auto'] as const).map((mode) => {
        setOps(mode)
        const random = randomTensors(seed)
        const slots = sizes.map((size) => slotOf([size], random))
        const gradients = sizes.map((size) => random([size]))
        for (let i = 0; i < 2; i++) takeStep(slots, gradients, step + i)
        dispose(gradients)
        return slots.flatMap(({ parameter, m, v }) => [parameter, m, v])
      }) as [Variable[], Variable[]]
      for (const [i, actual] of results[1].entries()) await expectClose(actual, results[0][i]!, tolerances.kernel, `tensor ${i}`)
      dispose(results)
    })
    await fc.assert(property, { numRuns: 20 })
  })

  test('writes in place, but where a clone shares the buffer', async () => {
    const slot = slotOf([5], randomTensors(1))
    const gradient = randomTensors(2)([5])
    const copy = clone(slot.parameter)
    const before = await copy.data()
    const tensors = memory().numTensors
    const ids = () => [slot.parameter, slot.m, slot.v].map(({ dataId }) => dataId)
    const [first, ...others] = ids()
    takeStep([slot], [gradient], 1)
    expect(ids()[0]).not.toBe(first)
    expect(ids().slice(1)).toEqual(others)
    const afterFirst = ids()
    takeStep([slot], [gradient], 2)
    expect(ids()).toEqual(afterFirst)
    const buffers = ids().map((id) => (engine().backend as WebGPUBackend).tensorMap.get(id).resource)
    takeStep([slot], [gradient], 3)
    expect(ids().map((id) => (engine().backend as WebGPUBackend).tensorMap.get(id).resource)).toEqual(buffers)
    expect(await copy.data()).toEqual(before)
    expect(memory().numTensors).toBe(tensors)
    dispose([slot.parameter, slot.m, slot.v, gradient, copy])
  })

  test('a read that ends after a step does not hide it', async () => {
    const slot = slotOf([5], randomTensors(3))
    const gradient = randomTensors(4)([5])
    takeStep([slot], [gradient], 1)
    const pending = slot.parameter.data()
    takeStep([slot], [gradient], 2)
    const [before, after] = [await pending, await slot.parameter.data()]
    expect(after).not.toEqual(before)
    dispose([slot.parameter, slot.m, slot.v, gradient])
  })
})
