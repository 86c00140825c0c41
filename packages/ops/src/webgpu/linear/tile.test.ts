import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseSplitTile, chooseTile, SLICE, splitDepth, threadsOf, tilesOf } from './tile.js'

const size = fc.integer({ min: 1, max: 20_000 })

test('a split covers the depth by parts of whole slices, none of them empty', () => {
  fc.assert(
    fc.property(size, size, (tiles, depth) => {
      const { parts, share } = splitDepth(tiles, depth)
      expect(parts * share).toBeGreaterThanOrEqual(depth)
      expect((parts - 1) * share).toBeLessThan(depth)
      if (parts > 1) expect(share % (2 * SLICE)).toBe(0)
    }),
  )
})

test('every tile fits the limits that any WebGPU device has: 256 threads and 16 KiB of workgroup memory', () => {
  fc.assert(
    fc.property(size, size, (rows, columns) => {
      for (const tile of [chooseTile(rows, columns), chooseSplitTile(rows, columns)]) {
        expect(threadsOf(tile)).toBeLessThanOrEqual(256)
        expect((tile.rows / 4 + 1 + tile.columns / 4 + 1) * SLICE * 16).toBeLessThanOrEqual(16 * 1024)
      }
    }),
  )
})

test.each<[string, number, number, number, number]>([
  // DeiT, 64 images of 197 tokens
  ['q | k | v of DeiT-Ti', 12_608, 576, 128, 64],
  ['classifier', 64, 1000, 32, 32],
  ['fc1 of DeiT-B', 6304, 3072, 128, 96],
  ['one value', 1, 1, 32, 32],
])('%s takes the tile that is expected to be fastest', (_, rows, columns, tileRows, tileColumns) => {
  expect(chooseTile(rows, columns)).toMatchObject({ rows: tileRows, columns: tileColumns })
})

test('weight gradients give every multiprocessor work: DeiT-Ti is split, DeiT-B needs no parts', () => {
  const split = (rows: number, columns: number, depth: number) => {
    const tiles = tilesOf(chooseSplitTile(rows, columns), rows, columns)
    return { tiles, ...splitDepth(tiles, depth) }
  }
  const tiny = split(576, 192, 12_608)
  expect(tiny.tiles * tiny.parts).toBeGreaterThanOrEqual(132)
  expect(split(3072, 768, 6304).parts).toBe(1)
  expect(split(1000, 192, 64).parts).toBe(1)
})
