import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEVICE_MODELS } from './device-model.js'
import { choosePlan, FLOAT_TILES, type PlanLimits, planOf, plansOf, SLICE, TILES } from './tile.js'

/** What every device has. */
const LEAST: PlanLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBufferBindingSize: 2 ** 27,
}

/** An H100: 132 multiprocessors of 128 multiply-adds a cycle at 1.7 GHz, 3.35 TB/s. */
const H100 = { processors: 132, rate: 2.18e11, bytesPerSecond: 3.35e12, registers: 65_536, accumulators: 128, launch: 3e-6 }

const device = { limits: LEAST, model: H100 }
const size = fc.integer({ min: 1, max: 20_000 })
const model = fc.constantFrom(...Object.values(DEVICE_MODELS), H100)

test('parts cover the depth by whole slices, none of them empty; without leave there is one; limits are kept', () => {
  fc.assert(
    fc.property(size, size, size, fc.boolean(), model, (rows, columns, depth, divisible, model) => {
      for (const { parts, share } of plansOf(FLOAT_TILES, { rows, columns, depth, divisible }, { limits: LEAST, model })) {
        expect(parts * share).toBeGreaterThanOrEqual(depth)
        expect((parts - 1) * share).toBeLessThan(depth)
        if (parts > 1) expect(share % (2 * SLICE)).toBe(0)
        if (parts > 1) expect(4 * parts * rows * columns).toBeLessThanOrEqual(2 ** 27)
        if (!divisible) expect(parts).toBe(1)
      }
    }),
  )
})

test('every tile fits the limits that any device has: 256 threads and 16 KiB of workgroup memory; of less the smaller ones do', () => {
  const fits = (limits: PlanLimits) =>
    TILES.filter((tile) => planOf(FLOAT_TILES, tile, 1, { rows: 1, columns: 1, depth: 1, divisible: false }, limits)).map(
      ({ rows, columns }) => `${rows}x${columns}`,
    )
  expect(fits(LEAST)).toEqual(['64x128', '128x64', '64x64', '64x96', '64x32', '32x32'])
  expect(fits(LEAST)).toHaveLength(TILES.length)
  expect(fits({ ...LEAST, maxComputeWorkgroupStorageSize: 8192, maxComputeInvocationsPerWorkgroup: 64 })).toEqual(['64x32', '32x32'])
  expect(fits({ ...LEAST, maxComputeWorkgroupSizeX: 100 })).toEqual(['64x64', '64x96', '64x32', '32x32'])
})

test.each<[string, number, number, number, number, number]>([
  // DeiT, 64 images of 197 tokens, or 32 of DeiT-B
  ['q | k | v of DeiT-Ti', 12_608, 576, 192, 64, 64],
  ['q | k | v of DeiT-B', 6304, 2304, 768, 64, 128],
  ['projection of DeiT-Ti', 12_608, 192, 192, 64, 64],
  ['fc1 of DeiT-Ti', 12_608, 768, 192, 64, 128],
  ['fc2 of DeiT-Ti', 12_608, 192, 768, 64, 64],
  ['fc2 of DeiT-S', 12_608, 384, 1536, 64, 64],
  ['fc1 of DeiT-B', 6304, 3072, 768, 64, 128],
  ['fc2 of DeiT-B', 6304, 768, 3072, 64, 64],
  ['classifier', 64, 1000, 192, 32, 32],
  ['one value', 1, 1, 1, 32, 32],
])('%s takes the tile that is expected to be fastest on an H100', (_, rows, columns, depth, tileRows, tileColumns) => {
  const limits = { ...LEAST, maxComputeWorkgroupStorageSize: 49_152 }
  const { tile } = choosePlan(FLOAT_TILES, { rows, columns, depth, divisible: false }, { limits, model: H100 })
  expect(tile).toMatchObject({ rows: tileRows, columns: tileColumns })
})

test.each<[string, number, number, number]>([
  ['q | k | v', 576, 192, 12_608],
  ['projection', 192, 192, 12_608],
  ['fc1', 768, 192, 12_608],
  ['fc2', 192, 768, 12_608],
])('the weight gradient of %s of DeiT-Ti gives all processors work, by large tiles', (_, rows, columns, depth) => {
  for (const model of [H100, DEVICE_MODELS.datacentre, DEVICE_MODELS.discrete]) {
    const { tile, parts } = choosePlan(FLOAT_TILES, { rows, columns, depth, divisible: true }, { limits: LEAST, model })
    expect(tile.rows * tile.columns).toBeGreaterThanOrEqual(64 * 64)
    expect(Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * parts).toBeGreaterThanOrEqual(0.75 * model.processors)
  }
})

test('a device whose threads hold few results is given no tile of more', () => {
  const shape = { rows: 6304, columns: 3072, depth: 768, divisible: false }
  const tilesFor = (accumulators: number) =>
    plansOf(FLOAT_TILES, shape, { limits: LEAST, model: { ...DEVICE_MODELS.apple, accumulators } }).map(
      ({ tile }) => `${tile.rows}x${tile.columns}`,
    )
  expect(tilesFor(DEVICE_MODELS.apple.accumulators)).toEqual(['64x128', '128x64', '64x64', '64x96', '64x32', '32x32'])
  expect(tilesFor(32)).toEqual(['64x32', '32x32'])
})

test('a device of few processors cuts less', () => {
  const partsOn = (model: typeof H100) =>
    choosePlan(FLOAT_TILES, { rows: 576, columns: 192, depth: 12_608, divisible: true }, { limits: LEAST, model }).parts
  expect(partsOn(DEVICE_MODELS.mobile)).toBeLessThan(partsOn(H100))
})

test('a depth that is short is not cut', () => {
  expect(choosePlan(FLOAT_TILES, { rows: 1000, columns: 192, depth: 64, divisible: true }, device).parts).toBe(1)
})

test('a model of a device, or limits, that no tile keeps are what is said, not the number of workgroups', () => {
  const shape = { rows: 20, columns: 5, depth: 3, divisible: false }
  expect(() => choosePlan(FLOAT_TILES, shape, { limits: LEAST, model: { ...H100, accumulators: 15 } })).toThrow(
    'a product [20, 3] x [3, 5] has no tile: each thread holds at least 16 results of it, and the device model has accumulators 15; give setDeviceModel accumulators of 16 or more',
  )
  expect(() => choosePlan(FLOAT_TILES, shape, { limits: { ...LEAST, maxComputeWorkgroupStorageSize: 1024 }, model: H100 })).toThrow(
    /^a product \[20, 3\] x \[3, 5\] has no tile: a workgroup takes at least 64 threads and \d+ bytes, and this GPU allows 256 and 1024; only/,
  )
})

test('a product beyond the workgroups that a device starts is refused in one line', () => {
  const limits = { ...LEAST, maxComputeWorkgroupsPerDimension: 8 }
  expect(() => choosePlan(FLOAT_TILES, { rows: 2000, columns: 5, depth: 3, divisible: false }, { limits, model: H100 })).toThrow(
    "a product [2000, 3] x [3, 5] is beyond this GPU's limit of 8 workgroups; take a smaller batch",
  )
})
