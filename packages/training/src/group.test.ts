import { expect, test } from 'vitest'
import { alone, shareOf } from './group.js'

test('the shares of a batch are its contiguous parts in the order of ranks', () => {
  const batch = Uint32Array.of(5, 3, 8, 1, 9, 2)
  const shares = [0, 1, 2].map((rank) => [...shareOf({ ...alone, rank, size: 3 }, batch)])
  expect(shares).toEqual([
    [5, 3],
    [8, 1],
    [9, 2],
  ])
  expect(shareOf(alone, [1, 2, 3])).toEqual([1, 2, 3])
})

test('a batch that does not divide is refused', () => {
  expect(() => shareOf({ ...alone, size: 4 }, [1, 2, 3, 4, 5, 6])).toThrow(
    'a batch must divide by the number of workers; got 6 images and 4 workers',
  )
})

test('alone, mean and sum change nothing, and memory is zeroed', async () => {
  const values = Float32Array.of(1, 2)
  alone.mean(values)
  expect([...values]).toEqual([1, 2])
  expect([...new Uint8Array(await alone.share('x', 3))]).toEqual([0, 0, 0])
})
