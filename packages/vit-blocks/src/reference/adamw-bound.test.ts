import { expect, it } from 'vitest'
import { adamWBound } from './adamw-bound.js'

const rates = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
/** Gradients of unit size, the first component another one. */
const gradients = (...first: number[]) =>
  first.map((value) => Float32Array.from({ length: 1000 }, (_, i) => (i === 0 ? value : i % 2 ? 1 : -1)))
const boundOf = (...first: number[]) => adamWBound(gradients(...first), new Float32Array(1000), rates)[0]! / rates.learningRate

/** The float64 recursion's last parameter, from zero and without decay, in learning rates. */
function steps(...values: number[]): number {
  let [p, m, v] = [0, 0, 0]
  for (const [i, g] of values.entries()) {
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    p -= m / (1 - 0.9 ** (i + 1)) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8)
  }
  return p
}

it('is rounding after the first step, whose gradient is given', () => {
  for (const g of [1, 1e-7, 0]) expect(boundOf(g)).toBeCloseTo(32 * 2 ** -24, 12)
})

it('is some 1e-5 of an update where gradients have the usual size, and all of it where they are below the noise', () => {
  expect(boundOf(1, 1, 1)).toBeLessThan(3e-5)
  expect(boundOf(-0.7, 0.4, 2)).toBeLessThan(3e-4)
  expect(boundOf(1e-9, 1e-7, -1e-6)).toBeCloseTo(2 * 2.1, 4)
  expect(boundOf(0, 0, 0)).toBeCloseTo(2 * 2.1, 4)
})

it('covers what gradients within their tolerance do, whatever their size', () => {
  for (const size of [1e-7, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1]) {
    for (const [first, second, third] of [
      [1, 1, 1],
      [1, -0.5, 0.2],
      [-0.3, 1, 1],
      [0, 1, 0.1],
    ] as const) {
      const values = [first * size, second * size, third * size] as const
      const bound = boundOf(...values)
      for (const [e2, e3] of [
        [1, 1],
        [1, -1],
        [-1, 1],
        [-1, -1],
      ] as const) {
        const error = (g: number, e: number) => e * 1e-4 * (1 + Math.abs(g))
        const moved = steps(values[0], values[1] + error(values[1], e2), values[2] + error(values[2], e3))
        expect(Math.abs(moved - steps(...values)), `${values}`).toBeLessThanOrEqual(bound)
      }
    }
  }
})
