import { expect, test } from 'vitest'
import { createShares } from './shares.js'

test('the n-th request of every member gets the same memory, also when one runs ahead', () => {
  const share = createShares(2)
  const ahead = [share(0, 'x', 8), share(0, 'x', 8), share(0, 'y', 4)]
  expect([share(1, 'x', 8), share(1, 'x', 8), share(1, 'y', 4)].map((buffer, i) => buffer === ahead[i])).toEqual([true, true, true])
  expect(new Set(ahead).size).toBe(3)
  expect(ahead.map(({ byteLength }) => byteLength)).toEqual([8, 8, 4])
})

test('other names or lengths are refused', () => {
  const share = createShares(2)
  share(0, 'x', 8)
  expect(() => share(1, 'y', 8)).toThrow("worker 1 asked for 8 bytes 'y', another one for 8 bytes 'x'")
})
