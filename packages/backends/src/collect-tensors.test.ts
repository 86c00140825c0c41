import { scalar, type Tensor } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { collectTensors } from './collect-tensors.js'
import { useBackend } from './use-backend.js'

beforeAll(() => useBackend('cpu'))

const ids = (tensors: readonly Tensor[]) => tensors.map(({ id }) => id).sort((a, b) => a - b)

test('finds tensors in any nesting, each once, through cycles', () => {
  class Model {
    readonly cache = new Map([['a', [scalar(1)]]])
  }
  const model = new Model()
  const shared = scalar(2)
  const set = new Set([shared, scalar(3)])
  const value: { [key: string]: unknown } = { model, shared, list: [[shared], null, 'text', new Float32Array(3)], set }
  value.self = value
  expect(ids(collectTensors(value))).toEqual(ids([model.cache.get('a')![0]!, ...set]))
})

test.each([undefined, null, 3, 'text', new Float32Array(2), () => 1])('%s holds none', (value) => {
  expect(collectTensors(value)).toEqual([])
})
