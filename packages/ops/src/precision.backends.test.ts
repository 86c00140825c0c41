import { describeEachBackend, expectClose, randomTensors } from '@learngene/testing'
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'
import { afterEach, expect, test, vi } from 'vitest'
import { linear } from './linear.js'
import { getPrecision, type Precision, setPrecision } from './precision.js'

afterEach(() => setPrecision('f32'))

describeEachBackend(({ name }) => {
  test('mixed precision computes the same to float16, or falls back to float32 and says so once', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const random = randomTensors(1)
    const [x, weight, bias] = [random<Tensor2D>([20, 40]), random<Tensor2D>([30, 40]), random<Tensor1D>([30])]
    const expected = linear(x, weight, bias)
    setPrecision('mixed')
    const actual = [linear(x, weight, bias), linear(x, weight, bias)]
    const messages = warn.mock.calls.map(([message]) => String(message)).filter((message) => message.includes('precision'))
    warn.mockRestore()
    const fallsBack = messages.length > 0
    if (name !== 'webgpu') expect(fallsBack).toBe(true)
    if (fallsBack)
      expect(messages).toEqual([expect.stringMatching(/^precision 'mixed' is not available: .*; matrix products stay in float32$/)])
    for (const y of actual) await expectClose(y, expected, fallsBack ? 0 : FLOAT16)
  })
})

/** Relative: factors are rounded to 11 bits. */
const FLOAT16 = 2e-3

test('the precision is f32 until it is set, and an unknown one is refused', () => {
  expect(getPrecision()).toBe('f32')
  setPrecision('mixed')
  expect(getPrecision()).toBe('mixed')
  expect(() => setPrecision('f16' as Precision)).toThrow("setPrecision takes 'f32' or 'mixed', got 'f16'")
  expect(getPrecision()).toBe('mixed')
})
