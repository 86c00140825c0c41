import { expect, it } from 'vitest'
import { firstNonFinite } from './non-finite.js'

it('finds the first infinity or NaN', () => {
  expect(firstNonFinite(Float32Array.of())).toBe(-1)
  expect(firstNonFinite(Float32Array.of(0, -3e38, 1e-45))).toBe(-1)
  expect(firstNonFinite(Float32Array.of(0, Number.NaN, Number.POSITIVE_INFINITY))).toBe(1)
  expect(firstNonFinite(Float32Array.of(Number.NEGATIVE_INFINITY))).toBe(0)
})
