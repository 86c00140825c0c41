import { expect, it } from 'vitest'
import { testRng } from '../rng.fixture.js'
import { type ErasingSettings, erasing } from './erasing.js'

const [height, width, channels] = [60, 50, 3]

/** How often pictures of sevens are erased, and what of them. */
function erased(settings: ErasingSettings, times: number) {
  const rng = testRng(5)
  const erase = erasing(settings)
  const pictures = Array.from({ length: times }, () => {
    const pixels = new Float32Array(height * width * channels).fill(7)
    erase(pixels, [height, width, channels], rng)
    return pixels
  })
  const hit = pictures.filter((pixels) => pixels.some((value) => value !== 7))
  return { share: hit.length / times, hit }
}

/** The smallest rectangle about what is no seven. */
function boxOf(pixels: Float32Array) {
  const places = [...pixels.keys()].filter((i) => pixels[i] !== 7).map((i) => Math.floor(i / channels))
  const [rows, columns] = [places.map((i) => Math.floor(i / width)), places.map((i) => i % width)]
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values) + 1
  return { height: span(rows), width: span(columns), count: places.length / channels }
}

it('erases as often as told, rectangles of the wanted area and shape', () => {
  const { share, hit } = erased({ mode: 'const', area: [0.1, 0.2], ratio: 0.5 }, 800)
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.3)
  const boxes = hit.map(boxOf)
  for (const box of boxes) {
    expect(box.height * box.width).toBe(box.count)
    expect(box.count / 3000).toBeGreaterThan(0.09)
    expect(box.count / 3000).toBeLessThan(0.21)
    expect(box.height / box.width).toBeGreaterThan(0.45)
    expect(box.height / box.width).toBeLessThan(2.2)
  }
  const area = boxes.reduce((sum, { count }) => sum + count, 0) / boxes.length / 3000
  expect(area).toBeCloseTo(0.15, 1)
})

it('puts zeros, one colour or noise in the place', () => {
  const values = (mode: 'const' | 'rand' | 'pixel') =>
    erased({ mode, probability: 1 }, 60).hit.map((pixels) => pixels.filter((value) => value !== 7))
  for (const pixels of values('const')) expect(pixels.every((value) => value === 0)).toBe(true)
  for (const pixels of values('rand')) {
    expect(new Set(pixels).size).toBe(3)
    expect(pixels.every((value, i) => value === pixels[i % 3])).toBe(true)
  }
  const noise = values('pixel').flatMap((pixels) => [...pixels])
  const mean = noise.reduce((sum, value) => sum + value) / noise.length
  const variance = noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length
  expect(mean).toBeCloseTo(0, 1)
  expect(variance).toBeCloseTo(1, 1)
})

it('erases several parts, each the smaller the more there are', () => {
  const { share, hit } = erased({ mode: 'const', probability: 1, count: 3, area: [0.3, 0.3], ratio: 1 }, 300)
  expect(share).toBe(1)
  const counts = hit.map((pixels) => boxOf(pixels).count / 3000)
  expect(Math.max(...counts)).toBeLessThan(0.32)
  expect(counts.filter((count) => count < 0.29).length / 300).toBeGreaterThan(0.3)
})

it('never erases with probability 0, and lets a part be that does not fit', () => {
  expect(erased({ probability: 0 }, 50).share).toBe(0)
  expect(erased({ probability: 1, area: [1, 1], ratio: 1 }, 20).share).toBe(0)
})
