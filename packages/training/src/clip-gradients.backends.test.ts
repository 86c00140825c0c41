import { describeEachBackend, valuesOf } from '@learngene/testing'
import { memory, tensor } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { clipGradients } from './clip-gradients.js'

describeEachBackend(() => {
  test.each([
    { limit: 2.5, expected: [1.5, 0, 2] },
    { limit: 10, expected: [3, 0, 4] },
  ])('a joint norm of 5 with limit $limit gives $expected', async ({ limit, expected }) => {
    const gradients = { a: tensor([3, 0]), b: tensor([[4]]) }
    const before = memory().numTensors
    expect(await clipGradients(gradients, limit)).toBe(5)
    const values = [...(await valuesOf(gradients.a)), ...(await valuesOf(gradients.b))]
    expected.forEach((value, i) => void expect(values[i]).toBeCloseTo(value, 5))
    expect(gradients.b.shape).toEqual([1, 1])
    expect(memory().numTensors).toBe(before)
  })

  test('a norm that is not finite is returned and changes nothing', async () => {
    const gradients = { a: tensor([1, Number.POSITIVE_INFINITY]) }
    expect(await clipGradients(gradients, 1)).toBe(Number.POSITIVE_INFINITY)
    expect(await valuesOf(gradients.a)).toEqual([1, Number.POSITIVE_INFINITY])
  })
})
