import type { Tensor } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Fails where |actual - expected| > tolerance max(|expected|, 1) in the Euclidean norm, on other lengths and on values that are not finite. */
export function expectClose(actual: Tensor, expected: Tensor | ArrayLike<number>, tolerance: number, what = 'tensor'): void {
  const values = actual.dataSync()
  const wanted = 'dataSync' in expected ? expected.dataSync() : expected
  expect(values.length, `${what}: length`).toBe(wanted.length)
  const difference = Math.hypot(...Array.from(values, (value, i) => value - wanted[i]!))
  const relative = difference / Math.max(Math.hypot(...Array.from(wanted)), 1)
  expect(Number.isFinite(relative), `${what}: finite values`).toBe(true)
  expect(relative, `${what}: relative error`).toBeLessThanOrEqual(tolerance)
}
