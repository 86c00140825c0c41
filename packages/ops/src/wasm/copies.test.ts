import { startBackend } from '@learngene/testing'
import { clone, dispose, memory, slice, split, type Tensor, tensor, tidy, unstack, util } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { findKernel } from '../kernels.js'

beforeAll(async () => {
  await startBackend('wasm')
  findKernel('LearngeneLinear') // installs them all
})

const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
const numeric = fc.constantFrom('float32' as const, 'int32' as const, 'bool' as const)
const dtype = fc.oneof(numeric, fc.constant('string' as const))

function sequence(shape: number[], dtype: 'float32' | 'int32' | 'bool' | 'string'): Tensor {
  const numbers = Array.from({ length: util.sizeFromShape(shape) }, (_, i) => i)
  if (dtype === 'string') return tensor(numbers.map(String), shape, dtype)
  return tensor(dtype === 'bool' ? numbers.map((n) => Number(n % 3 === 0)) : numbers, shape, dtype)
}

/** Runs on the cpu backend and on wasm and compares shapes, types and values. */
async function expectSame(run: () => Tensor[]): Promise<void> {
  const results = []
  for (const backend of ['cpu', 'wasm'] as const) {
    await startBackend(backend)
    results.push(tidy(() => run().map((piece) => ({ shape: piece.shape, dtype: piece.dtype, values: [...piece.dataSync()] }))))
  }
  expect(results[1]).toEqual(results[0])
}

test('slices equal those of the cpu backend', () =>
  fc.assert(
    fc.asyncProperty(shape, dtype, fc.infiniteStream(fc.nat()), async (shape, dtype, numbers) => {
      const draw = (below: number) => numbers.next().value! % below
      const begin = shape.map((length) => draw(length))
      const size = shape.map((length, axis) => (draw(2) === 0 ? draw(length - begin[axis]! + 1) : -1))
      await expectSame(() => [slice(sequence(shape, dtype), begin, size)])
    }),
  ))

test('splits of unequal and equal sizes equal those of the cpu backend', () =>
  fc.assert(
    fc.asyncProperty(shape, numeric, fc.nat(), fc.nat(), async (shape, dtype, axisDraw, sizeDraw) => {
      const axis = axisDraw % shape.length
      const first = sizeDraw % (shape[axis]! + 1)
      await expectSame(() => split(sequence(shape, dtype), [first, shape[axis]! - first], axis))
      await expectSame(() => split(sequence(shape, dtype), shape[axis]!, axis))
    }),
  ))

test('unstacked tensors equal those of the cpu backend', () =>
  fc.assert(
    fc.asyncProperty(shape, dtype, fc.nat(), async (shape, dtype, axis) => {
      await expectSame(() => unstack(sequence(shape, dtype), (axis % (2 * shape.length)) - shape.length))
    }),
  ))

test('a clone shares the memory of its original and outlives it', () => {
  const before = memory()
  const x = tensor([1, 2, 3])
  const y = clone(x)
  expect(memory().numDataBuffers).toBe(before.numDataBuffers + 1)
  x.dispose()
  expect([...y.dataSync()]).toEqual([1, 2, 3])
  dispose(y)
  expect(memory().numDataBuffers).toBe(before.numDataBuffers)
})
