import { expect, it } from 'vitest'
import { testRng } from '../rng.fixture.js'
import { drawsFrom, type Seed, seedFrom } from './draws.js'

const times = 20_000
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

it('draws the same for a seed, and otherwise for another', () => {
  const some = (seed: Seed) => Array.from({ length: 5 }, drawsFrom(seed).uniform)
  const seed = seedFrom(testRng(1))
  expect(seed.every((part) => Number.isInteger(part) && part >= 0 && part < 2 ** 32)).toBe(true)
  expect(some(seed)).toEqual(some(seed))
  const others = [0, 1, 2, 3].map((at) => some(seed.map((part, i) => (i === at ? part ^ 1 : part)) as unknown as Seed))
  expect(new Set([some(seed), ...others].flat()).size).toBe(25)
  expect(some([0, 0, 0, 0])).not.toEqual(some([0, 0, 0, 1]))
})

it('draws evenly, normally and all integers alike', () => {
  const draws = drawsFrom([1, 2, 3, 4])
  const even = Array.from({ length: times }, draws.uniform).sort((a, b) => a - b)
  expect(Math.max(...even.map((value, i) => Math.abs(value - i / times)))).toBeLessThan(1.63 / Math.sqrt(times))
  const normal = Array.from({ length: times }, draws.normal)
  expect(mean(normal)).toBeCloseTo(0, 1)
  expect(mean(normal.map((value) => value ** 2))).toBeCloseTo(1, 1)
  expect(mean(normal.map((value) => value ** 4)) / 3).toBeCloseTo(1, 0)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < times; i++) counts[draws.integer(10)]!++
  for (const count of counts) expect(Math.abs(count - times / 10)).toBeLessThan(200)
})

it('draws nothing alike from seeds that follow each other', () => {
  const first = Array.from({ length: 2000 }, (_, i) => drawsFrom([i, 0, 0, 0]).uniform())
  const [here, next] = [first.slice(0, -1), first.slice(1)]
  const correlation = mean(here.map((value, i) => (value - 0.5) * (next[i]! - 0.5))) * 12
  expect(Math.abs(correlation)).toBeLessThan(0.07)
})
