import '@tensorflow/tfjs-backend-cpu'
import { scalar, setBackend, type Tensor, tensor, zeros } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { mapTensors, signatureOf, tensorsOf } from './tree.js'

beforeAll(() => setBackend('cpu'))

test('maps and lists tensors at any depth, and leaves the rest alone', () => {
  const [a, b] = [scalar(1), scalar(2)]
  const when = new Date(0)
  const value = { a, list: [b, 3], nothing: null, when }
  expect(tensorsOf(value)).toEqual([a, b])
  const mapped = mapTensors(value, (tensor) => tensor.dataSync()[0]) as typeof value
  expect(mapped).toEqual({ a: 1, list: [2, 3], nothing: null, when })
  expect(mapped.when).toBe(when)
})

test.each<[unknown, unknown]>([
  [{ x: [2] }, { y: [2] }],
  [{ x: [2, 3] }, { x: [3, 2] }],
  [
    { x: [2], n: 1 },
    { x: [2], n: 2 },
  ],
  [
    { x: [2], n: 1 },
    { x: [2], n: '1' },
  ],
  [
    { x: [2], n: 0 },
    { x: [2], n: -0 },
  ],
  [
    { x: [2], n: null },
    { x: [2], n: undefined },
  ],
  [
    { x: [2], n: [1, 2] },
    { x: [2], n: [12] },
  ],
])('%o and %o have other signatures', (first, second) => {
  const withTensors = (value: unknown) => {
    const { x, y, ...rest } = value as { x?: number[]; y?: number[] }
    return { ...(x && { x: zeros(x) }), ...(y && { y: zeros(y) }), ...rest }
  }
  expect(signatureOf(withTensors(first))).not.toBe(signatureOf(withTensors(second)))
  expect(signatureOf(withTensors(first))).toBe(signatureOf(withTensors(first)))
})

test('types of tensors count, their values do not', () => {
  expect(signatureOf(tensor([1, 2]))).toBe(signatureOf(tensor([3, 4])))
  expect(signatureOf(tensor([1, 2]))).not.toBe(signatureOf(tensor([1, 2], [2], 'int32')))
})

test.each<[string, () => unknown, string]>([
  ['a typed array', () => ({ x: { data: new Float32Array(1) } }), "'inputs.x.data' is a Float32Array"],
  ['a function', () => [() => 1], "'inputs.0' is a function"],
  ['a tensor of strings', () => tensor(['a']) as Tensor, "'inputs' is a tensor of string"],
])('%s is refused by its place', (_, value, message) => {
  expect(() => signatureOf(value())).toThrow(message)
})
