import { expect, test } from 'vitest'
import { laneShapeOf, ownRows, vectorsOf, workgroupBytes } from './lanes.js'

const device = (features: string[], bytes = 16_384) =>
  ({ features: new Set(features), limits: { maxComputeWorkgroupStorageSize: bytes } }) as unknown as GPUDevice

test.each([
  [1, { rows: 2, tile: 16 }],
  [64, { rows: 2, tile: 16 }],
  [65, { rows: 1, tile: 16 }],
  [112, { rows: 1, tile: 16 }],
  [128, { rows: 1, tile: 8 }],
])('heads of %d', (headWidth, shape) => {
  expect(laneShapeOf(headWidth, device(['subgroups']))).toEqual(shape)
})

test('devices without subgroups, and heads too wide for registers, have none', () => {
  expect(laneShapeOf(64, device([]))).toBeUndefined()
  expect(laneShapeOf(129, device(['subgroups']))).toBeUndefined()
})

test('every shape fits the memory that any device has, and its results the registers', () => {
  for (let headWidth = 1; headWidth <= 128; headWidth++) {
    const shape = laneShapeOf(headWidth, device(['subgroups']))!
    expect(workgroupBytes(headWidth, shape)).toBeLessThanOrEqual(16_384)
    expect(shape.rows * vectorsOf(headWidth)).toBeLessThanOrEqual(8)
    expect(ownRows(shape)).toBe(16 * shape.rows)
  }
  expect(laneShapeOf(128, device(['subgroups'], 32_768))!.tile).toBe(16)
})
