import { Tensor } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { valuesOf } from './values-of.js'

/**
 * Fails where |actual - expected| > tolerance max(|expected|, 1) in the Euclidean norm of the whole tensor, on other shapes and
 * on values that are not finite.
 */
export async function expectClose(
  actual: Tensor | ArrayLike<number>,
  expected: Tensor | ArrayLike<number>,
  tolerance: number,
  what = 'tensor',
): Promise<void> {
  if (actual instanceof Tensor && expected instanceof Tensor) expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  const values = await numbersOf(actual)
  const wanted = await numbersOf(expected)
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

const numbersOf = (values: Tensor | ArrayLike<number>) => (values instanceof Tensor ? valuesOf(values) : values)
