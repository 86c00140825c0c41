import '@tensorflow/tfjs-backend-cpu'
import { memory } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { constant, countParameters, disposeParameters, parameter, prefixed, truncatedNormal } from './parameters.js'
import { createRng } from './testing/rng.js'

it('allocates exactly what it returns', () => {
  const before = memory().numTensors
  const made = { a: parameter(Float32Array.of(1, 2), [2, 1]), b: constant(3, [2]), c: truncatedNormal(createRng(0), [2, 3]) }
  expect(memory().numTensors).toBe(before + 3)
  expect([...made.a.dataSync()]).toEqual([1, 2])
  expect([...made.b.dataSync()]).toEqual([3, 3])
  expect(countParameters(made)).toBe(10)
  expect(Object.keys(prefixed('x.', made))).toEqual(['x.a', 'x.b', 'x.c'])
  disposeParameters(made)
  expect(memory().numTensors).toBe(before)
})

it('draws a normal distribution cut at two deviations', () => {
  const deviation = 0.02
  const drawn = truncatedNormal(createRng(1), [400, 500])
  const values = drawn.dataSync() as Float32Array
  drawn.dispose()
  const moment = (power: number) => values.reduce((sum, value) => sum + (value / deviation) ** power, 0) / values.length
  // Of the standard normal within -2 and 2: variance 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737, fourth moment 3 x variance - 16 phi(2) / (2 Phi(2) - 1) = 1.4163.
  const error = 5 / Math.sqrt(values.length)
  expect(Math.abs(moment(1))).toBeLessThan(error)
  expect(Math.abs(moment(2) - 0.7737)).toBeLessThan(error)
  expect(Math.abs(moment(4) - 1.4163)).toBeLessThan(2 * error)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  expect(largest).toBeLessThanOrEqual(Math.fround(2 * deviation))
  expect(largest).toBeGreaterThan(1.99 * deviation)
})

it('draws the same values from the same seed and others from another', () => {
  const draw = (seed: number, deviation?: number) => {
    const drawn = truncatedNormal(createRng(seed), [50], deviation)
    const values = [...drawn.dataSync()]
    drawn.dispose()
    return values
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  expect(draw(7, 0.04)).toEqual(draw(7).map((value) => 2 * value))
})
