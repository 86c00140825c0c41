import type { Tensor } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/**
 * Fails where |actual - expected| > tolerance max(|expected|, 1) in the Euclidean norm of the whole tensor, on other shapes and
 * on values that are not finite.
 */
export function expectClose(actual: Tensor, expected: Tensor | ArrayLike<number>, tolerance: number, what = 'tensor'): void {
  const values = actual.dataSync()
  const wanted = 'dataSync' in expected ? expected.dataSync() : expected
  if ('shape' in expected) expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  expect(values.length, `${what}: length`).toBe(wanted.length)
  let difference = 0
  let norm = 0
  for (let i = 0; i < values.length; i++) {
    difference += (values[i]! - wanted[i]!) ** 2
    norm += wanted[i]! ** 2
  }
  const relative = Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1)
  expect(Number.isFinite(relative), `${what}: finite values`).toBe(true)
  expect(relative, `${what}: relative error`).toBeLessThanOrEqual(tolerance)
}
