import '@tensorflow/tfjs-backend-cpu'
import { memory, tensor4d } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { testRng } from '../rng.fixture.js'
import { average, averageTargets, drawBeta, drawMixture, exchange } from './mix.js'

const times = 6000
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length

describe('drawBeta', () => {
  it.each([0.05, 0.2, 0.8, 1, 4])('has the moments and the halves of Beta(%d, same)', (alpha) => {
    const rng = testRng(1)
    const draws = Array.from({ length: times }, () => drawBeta(alpha, rng))
    expect(draws.every((draw) => draw >= 0 && draw <= 1)).toBe(true)
    const variance = mean(draws.map((draw) => (draw - 0.5) ** 2))
    const fourth = mean(draws.map((draw) => (draw - 0.5) ** 4))
    expect(Math.abs(mean(draws) - 0.5)).toBeLessThan(0.02)
    expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeCloseTo(1, 1)
    expect(fourth / (3 / (16 * (2 * alpha + 1) * (2 * alpha + 3)))).toBeCloseTo(1, 1)
  })

  it('of 1 is even', () => {
    const rng = testRng(2)
    const draws = Array.from({ length: times }, () => drawBeta(1, rng)).sort((a, b) => a - b)
    const farthest = Math.max(...draws.map((draw, i) => Math.abs(draw - i / times)))
    expect(farthest).toBeLessThan(1.63 / Math.sqrt(times)) // Kolmogorov and Smirnov, 1 %
  })
})

describe('drawMixture', () => {
  const drawn = (settings: Parameters<typeof drawMixture>[0], size: readonly [number, number] = [32, 24]) => {
    const rng = testRng(3)
    return Array.from({ length: times }, () => drawMixture(settings, size, rng))
  }

  it('mixes as often as told, and switches as often as told', () => {
    const all = drawn({ mixup: 0.8, cutmix: 1, mixProbability: 0.7, switchProbability: 0.3 })
    const mixed = all.filter((mixture) => mixture !== undefined)
    expect(mixed.length / times).toBeCloseTo(0.7, 1)
    expect(mixed.filter(({ box }) => box).length / mixed.length).toBeCloseTo(0.3, 1)
  })

  it('does what is given alone', () => {
    expect(drawn({ mixup: 1 }).every((mixture) => mixture && !mixture.box)).toBe(true)
    expect(drawn({ cutmix: 1 }).every((mixture) => mixture?.box)).toBe(true)
  })

  it('cuts rectangles inside the image, and counts what they cover', () => {
    for (const mixture of drawn({ cutmix: 1 })) {
      const { top, left, height, width } = mixture!.box!
      expect([top, left, 32 - top - height, 24 - left - width].every((edge) => edge >= 0)).toBe(true)
      expect(mixture!.own).toBeCloseTo(1 - (height * width) / (32 * 24), 12)
    }
    // Without the part that falls off the border, half of the area would be covered on average.
    const covered = mean(drawn({ cutmix: 1 }, [200, 200]).map((mixture) => 1 - mixture!.own))
    expect(covered).toBeGreaterThan(0.25)
    expect(covered).toBeLessThan(0.4)
  })
})

describe('mixing', () => {
  it('exchanges a rectangle between counterparts, and leaves the middle one', () => {
    const shape = [3, 2, 3, 2] as const
    const pixels = Uint8Array.from({ length: 36 }, (_, i) => i)
    exchange(pixels, shape, { top: 1, left: 1, height: 1, width: 2 })
    const expected = Array.from({ length: 36 }, (_, i) => i)
    for (const i of [8, 9, 10, 11]) [expected[i], expected[24 + i]] = [24 + i, i]
    expect([...pixels]).toEqual(expected)
    exchange(pixels, shape, { top: 0, left: 0, height: 0, width: 3 })
    expect([...pixels]).toEqual(expected)
  })

  it('averages images and targets with their counterparts', async () => {
    const before = memory().numTensors
    const images = average(tensor4d([1, 2, 3, 4, 5, 6], [3, 1, 2, 1]), 0.75)
    expect(Array.from(await images.data())).toEqual([2, 3, 3, 4, 4, 5])
    images.dispose()
    expect(memory().numTensors).toBe(before)
    const targets = Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0, 1)
    averageTargets(targets, 3, 0.75)
    expect([...targets]).toEqual([0.75, 0, 0.25, 1, 0, 0, 0.25, 0, 0.75])
    averageTargets(new Float32Array(0), 0, 0.75)
  })
})
