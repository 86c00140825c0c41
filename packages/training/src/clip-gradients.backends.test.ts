import { describeEachBackend, valuesOf } from '@learngene/testing'
import { memory, tensor } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { clipGradients } from './gradients.js'

describeEachBackend(() => {
  test.each([
    { limit: 2.5, expected: [1.5, 0, 2] },
    { limit: 10, expected: [3, 0, 4] },
  ])('a joint norm of 5 with limit $limit gives $expected', async ({ limit, expected }) => {
    const gradients = { a: tensor([3, 0]), b: tensor([[4]]) }
    const before = memory().numTensors
    const norm = clipGradients(gradients, limit)
    expect((await valuesOf(norm))[0]).toBeCloseTo(5, 5)
    norm.dispose()
    const values = [...(await valuesOf(gradients.a)), ...(await valuesOf(gradients.b))]
    expected.forEach((value, i) => void expect(values[i]).toBeCloseTo(value, 5))
    expect(gradients.b.shape).toEqual([1, 1])
    expect(memory().numTensors).toBe(before)
  })

  test('within the limit the gradients keep their bits', async () => {
    const values = Float32Array.of(0.1, -0.2, 0.3)
    const gradients = { a: tensor(values) }
    clipGradients(gradients, 1)
    expect(await valuesOf(gradients.a)).toEqual([...values])
  })

  test('no gradients have a norm of 0', async () => {
    expect(await valuesOf(clipGradients({}, 1))).toEqual([0])
  })

  test('a norm that is not finite is returned', async () => {
    const gradients = { a: tensor([1, Number.POSITIVE_INFINITY]) }
    expect(await valuesOf(clipGradients(gradients, 1))).toEqual([Number.POSITIVE_INFINITY])
  })
})
