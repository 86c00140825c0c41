import { expect, it } from 'vitest'
import { randomBelow } from './random-below.js'
import { testRng } from './testing.js'

it('is uniform below small bounds', () => {
  const rng = testRng(1)
  const hits = new Array<number>(5).fill(0)
  for (let i = 0; i < 5000; i += 1) hits[Number(randomBelow(5n, rng))]! += 1
  for (const hit of hits) expect(Math.abs(hit - 1000)).toBeLessThan(150)
})

it('reaches all bits below large bounds', () => {
  const rng = testRng(2)
  const bound = 3n << 100n
  let [seen, largest] = [0n, 0n]
  for (let i = 0; i < 200; i += 1) {
    const value = randomBelow(bound, rng)
    expect(value < bound).toBe(true)
    seen |= value
    if (value > largest) largest = value
  }
  expect(seen.toString(2)).toBe('1'.repeat(102))
  expect(largest > (bound * 9n) / 10n).toBe(true)
})

it('gives 0 where there is no other outcome', () => {
  expect(randomBelow(1n, testRng(3))).toBe(0n)
})
