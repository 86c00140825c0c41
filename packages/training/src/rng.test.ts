import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRng } from './rng.js'

fc.configureGlobal({ seed: 1 })

const draw = (count: number, next: () => number) => Array.from({ length: count }, next)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const correlation = (a: readonly number[], b: readonly number[]) => {
  const [meanA, meanB] = [mean(a), mean(b)]
  const covariance = (x: readonly number[], meanX: number, y: readonly number[], meanY: number) =>
    mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)))
  return covariance(a, meanA, b, meanB) / Math.sqrt(covariance(a, meanA, a, meanA) * covariance(b, meanB, b, meanB))
}

// From a second implementation of the same formulas, in Python integers.
test('the first values of a seed and of a fork stay what they are', () => {
  expect(draw(4, createRng(0).uniform)).toEqual([0.6249011119128407, 0.2159319505947569, 0.8263730675398886, 0.005152020752598352])
  expect(draw(3, createRng(42).fork('epoch 1').uniform)).toEqual([0.27255018201469516, 0.3555527075407061, 0.2608995023785361])
})

test('uniform lies in [0, 1) with the moments of the uniform distribution', () => {
  const values = draw(20_000, createRng(1).uniform)
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
  expect(mean(values)).toBeCloseTo(1 / 2, 2)
  expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1 / 3, 2)
  expect(Math.abs(correlation(values.slice(1), values.slice(0, -1)))).toBeLessThan(0.02)
})

test('normal has mean 0, variance 1 and kurtosis 3', () => {
  const values = draw(50_000, createRng(2).normal)
  expect(Math.abs(mean(values))).toBeLessThan(0.02)
  expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1, 1)
  expect(mean(values.map((value) => value ** 4))).toBeCloseTo(3, 0)
})

test('integer reaches every value below its bound about equally often', () => {
  const counts = new Array<number>(7).fill(0)
  const rng = createRng(3)
  for (let i = 0; i < 7000; i++) counts[rng.integer(7)]!++
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
})

test('a permutation has each index once, and every index comes to every place', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 50 }), (seed, length) => {
      expect([...createRng(seed).permutation(length)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
    }),
  )
  const rng = createRng(4)
  const seen = new Set<string>()
  for (let i = 0; i < 400; i++) rng.permutation(4).forEach((value, place) => void seen.add(`${value} at ${place}`))
  expect(seen.size).toBe(16)
})

test('a fork depends on seed and label, not on what was drawn before', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string(), fc.nat({ max: 20 }), (seed, label, drawn) => {
      const [used, fresh] = [createRng(seed), createRng(seed)]
      draw(drawn, used.normal)
      expect(draw(3, used.fork(label).uniform)).toEqual(draw(3, fresh.fork(label).uniform))
    }),
  )
})

test('the label of a fork cannot imitate a fork of a fork', () => {
  const rng = createRng(5)
  expect(rng.fork('a/1:b').uniform()).not.toBe(rng.fork('a').fork('b').uniform())
})

test('the first values of forks with similar labels, and of neighbouring seeds, are not correlated', () => {
  for (const streams of [draw2000((i) => createRng(0).fork(`step ${i}`)), draw2000((i) => createRng(i))]) {
    for (let position = 0; position < 3; position++) {
      const values = streams.map((stream) => stream[position]!)
      expect(Math.abs(correlation(values.slice(1), values.slice(0, -1)))).toBeLessThan(0.07)
      expect(mean(values)).toBeCloseTo(1 / 2, 1)
    }
  }
})

test('bad arguments are refused', () => {
  expect(() => createRng(0.5)).toThrow('createRng: the seed must be an integer; got 0.5')
  expect(() => createRng(2 ** 60)).toThrow('the seed must be an integer')
  expect(() => createRng(0).integer(0)).toThrow('Rng.integer: the bound must be a positive integer; got 0')
})

function draw2000(create: (i: number) => ReturnType<typeof createRng>): number[][] {
  return Array.from({ length: 2000 }, (_, i) => draw(3, create(i).uniform))
}
