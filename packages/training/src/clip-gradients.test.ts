import '@tensorflow/tfjs-backend-cpu'
import { memory, setBackend, tensor } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { clipGradients } from './clip-gradients.js'

beforeAll(() => setBackend('cpu'))

test.each([
  { limit: 2.5, expected: [1.5, 0, 2] },
  { limit: 10, expected: [3, 0, 4] },
])('a joint norm of 5 with limit $limit gives $expected', async ({ limit, expected }) => {
  const gradients = { a: tensor([3, 0]), b: tensor([[4]]) }
  const before = memory().numTensors
  expect(await clipGradients(gradients, limit)).toBe(5)
  const values = [...gradients.a.dataSync(), ...gradients.b.dataSync()]
  expected.forEach((value, i) => void expect(values[i]).toBeCloseTo(value, 5))
  expect(gradients.b.shape).toEqual([1, 1])
  expect(memory().numTensors).toBe(before)
})

test('a norm that is not finite is returned and changes nothing', async () => {
  const gradients = { a: tensor([1, Number.POSITIVE_INFINITY]) }
  expect(await clipGradients(gradients, 1)).toBe(Number.POSITIVE_INFINITY)
  expect([...gradients.a.dataSync()]).toEqual([1, Number.POSITIVE_INFINITY])
})
