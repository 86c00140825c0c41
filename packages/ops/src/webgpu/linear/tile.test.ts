import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choosePlan, SLICE, TILES, threadsOf } from './tile.js'

const size = fc.integer({ min: 1, max: 20_000 })

test('parts cover the depth by whole slices, none of them empty; without leave there is one', () => {
  fc.assert(
    fc.property(size, size, size, fc.boolean(), (rows, columns, depth, divisible) => {
      const { parts, share } = choosePlan(TILES, rows, columns, depth, divisible)
      expect(parts * share).toBeGreaterThanOrEqual(depth)
      expect((parts - 1) * share).toBeLessThan(depth)
      if (parts > 1) expect(share % (2 * SLICE)).toBe(0)
      if (!divisible) expect(parts).toBe(1)
    }),
  )
})

test.each(TILES)('the tile of $rows x $columns fits the limits that any device has: 256 threads and 16 KiB of workgroup memory', (tile) => {
  expect(threadsOf(tile)).toBeLessThanOrEqual(256)
  expect((tile.rows / 4 + 1 + tile.columns / 4 + 1) * SLICE * 16).toBeLessThanOrEqual(16 * 1024)
})

test.each<[string, number, number, number, number, number]>([
  // DeiT, 64 images of 197 tokens
  ['q | k | v of DeiT-Ti', 12_608, 576, 192, 128, 64],
  ['fc1 of DeiT-Ti', 12_608, 768, 192, 128, 96],
  ['classifier', 64, 1000, 192, 32, 32],
  ['fc1 of DeiT-B', 6304, 3072, 768, 128, 96],
  ['one value', 1, 1, 1, 32, 32],
])('%s takes the tile that is expected to be fastest', (_, rows, columns, depth, tileRows, tileColumns) => {
  expect(choosePlan(TILES, rows, columns, depth, false).tile).toMatchObject({ rows: tileRows, columns: tileColumns })
})

test.each<[string, number, number, number]>([
  ['q | k | v', 576, 192, 12_608],
  ['projection', 192, 192, 12_608],
  ['fc1', 768, 192, 12_608],
  ['fc2', 192, 768, 12_608],
])('the weight gradient of %s of DeiT-Ti gives all multiprocessors work, by large tiles', (_, rows, columns, depth) => {
  const { tile, parts } = choosePlan(TILES, rows, columns, depth, true)
  expect(tile.rows * tile.columns).toBeGreaterThanOrEqual(64 * 64)
  expect(Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * parts).toBeGreaterThanOrEqual(100)
})

test('a depth that is short is not cut', () => {
  expect(choosePlan(TILES, 1000, 192, 64, true).parts).toBe(1)
})
