import { randomTensors, valuesOf } from '@learngene/testing'
import { add, clone, fill, memory, mul, scalar, type Tensor2D, tensor2d, variable, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { accumulate, clear } from './accumulate.js'
import { averageWeights } from './average-weights.js'
import { describeVariants } from './testing/variants.js'

const SHAPES = [[3], [], [40, 30], [5], [1025], [2, 2], [7], [9], [11], [13], [1]]

describeVariants(() => {
  test('totals get the values added, and zero again, whatever they were', async () => {
    const random = randomTensors(1)
    const pairs = SHAPES.map((shape) => ({ total: variable(random(shape)), value: random(shape) }))
    const expected = await Promise.all(pairs.map(({ total, value }) => valuesOf(add(total, value))))
    const copy = clone(pairs[2]!.total)
    const kept = await valuesOf(copy)
    const before = memory().numTensors
    accumulate(pairs)
    expect(memory().numTensors).toBe(before)
    expect(await Promise.all(pairs.map(({ total }) => valuesOf(total)))).toEqual(expected)
    expect(await valuesOf(copy)).toEqual(kept)
    accumulate([{ total: pairs[0]!.total, value: fill([3], Number.NaN) }])
    clear(pairs.map(({ total }) => total))
    for (const { total } of pairs) expect(await valuesOf(total)).toEqual(await valuesOf(zeros(total.shape)))
  })

  test('a value of another shape is refused', () => {
    const total = variable(zeros([2]))
    expect(() => accumulate([{ total, value: zeros([3]) }])).toThrow(
      'accumulate: total and value must have one shape; got total [2], value [3]',
    )
  })

  test('averages follow the parameters whose factor is not 0', async () => {
    const random = randomTensors(2)
    const slots = SHAPES.map((shape, row) => ({ parameter: variable(random(shape)), average: variable(random(shape)), row }))
    const decay = scalar(0.9)
    const expected = await Promise.all(
      slots.map(({ parameter, average, row }) => valuesOf(row === 2 ? average : add(mul(average, decay), mul(parameter, 1 - 0.9)))),
    )
    const table = tensor2d([...SHAPES.map(() => [7]), ...SHAPES.map((_, row) => [row === 2 ? 0 : 0.5])]) as Tensor2D
    averageWeights(slots, table, 0.9)
    for (const [i, { average }] of slots.entries()) {
      for (const [k, value] of (await valuesOf(average)).entries()) expect(value).toBeCloseTo(expected[i]![k]!, 6)
    }
    expect(await valuesOf(slots[2]!.average)).toEqual(expected[2])
  })
})
