import type { Rng } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { source } from '../preprocess/golden.fixture.js'
import { resizeImage } from '../preprocess/resize.js'
import { testRng } from '../rng.fixture.js'
import { drawBox, randomResizedCrop } from './random-resized-crop.js'

const scripted = (...draws: number[]): Rng => ({ ...testRng(0), integer: () => draws.shift()!, uniform: () => draws.shift()! })
const sized = (height: number, width: number) => ({ height, width, channels: 1, data: new Uint8Array(height * width) })

it('cuts a part out and resizes it as Pillow does', () => {
  const image = source([20, 30, 3])
  // Area 0.25 of 600, aspect 1: 12 x 12, from row 3 and column 5; bicubic.
  const settings = { scale: [0.24, 0.24], ratio: [1, 1] } as const
  const cropped = randomResizedCrop(settings, [7, 9])(image, scripted(0, 0, 3, 5, 0.5))
  const rows = Array.from({ length: 12 }, (_, y) => [...image.data.subarray(((3 + y) * 30 + 5) * 3, ((3 + y) * 30 + 17) * 3)])
  const part = { data: Uint8Array.from(rows.flat()), height: 12, width: 12, channels: 3 }
  expect(cropped).toEqual(resizeImage(part, { height: 7, width: 9 }, 'bicubic'))
  const bilinear = randomResizedCrop(settings, undefined)(image, scripted(0, 0, 3, 5, 0.49))
  expect(bilinear).toEqual(resizeImage(part, { height: 20, width: 30 }, 'bilinear'))
  const nearest = randomResizedCrop({ ...settings, interpolation: 'nearest' }, [5, 5])(image, scripted(0, 0, 3, 5))
  expect(nearest).toEqual(resizeImage(part, { height: 5, width: 5 }, 'nearest'))
})

describe('drawBox', () => {
  const count = 4000

  it('draws areas evenly, shapes evenly by their logarithms, and places evenly', () => {
    const rng = testRng(1)
    const boxes = Array.from({ length: count }, () => drawBox(sized(400, 400), [0.2, 0.4], [3 / 4, 4 / 3], rng))
    const areas = boxes.map(({ height, width }) => (height * width) / 160000)
    const shapes = boxes.map(({ height, width }) => Math.log(width / height))
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / count
    expect(Math.min(...areas)).toBeGreaterThan(0.197)
    expect(Math.max(...areas)).toBeLessThan(0.403)
    expect(mean(areas)).toBeCloseTo(0.3, 2)
    expect(areas.filter((area) => area < 0.25).length / count).toBeCloseTo(0.25, 1)
    expect(mean(shapes)).toBeCloseTo(0, 1)
    expect(Math.max(...shapes)).toBeCloseTo(Math.log(4 / 3), 1)
    expect(shapes.filter((shape) => shape > Math.log(4 / 3) / 2).length / count).toBeCloseTo(0.25, 1)
    expect(mean(boxes.map(({ top, height }) => top / (400 - height)))).toBeCloseTo(0.5, 1)
    expect(mean(boxes.map(({ left, width }) => left / (400 - width)))).toBeCloseTo(0.5, 1)
    for (const { top, left, height, width } of boxes)
      expect([top, left, 400 - top - height, 400 - left - width].every((edge) => edge >= 0)).toBe(true)
  })

  it.each([
    [10, 400, { top: 0, left: 193, height: 10, width: 13 }],
    [400, 10, { top: 193, left: 0, height: 13, width: 10 }],
    [10, 11, { top: 0, left: 0, height: 10, width: 11 }],
  ])('takes the middle of %i x %i where nothing fits ten times', (height, width, box) => {
    expect(drawBox(sized(height, width), [5, 5], [3 / 4, 4 / 3], testRng(0))).toEqual(box)
  })

  it('takes pictures of one pixel', () => {
    expect(drawBox(sized(1, 1), [0.08, 1], [3 / 4, 4 / 3], testRng(0))).toEqual({ top: 0, left: 0, height: 1, width: 1 })
    expect(drawBox(sized(1, 50), [0.08, 1], [3 / 4, 4 / 3], testRng(0)).height).toBe(1)
  })
})
