import type { RawImage, Rng } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { source } from '../preprocess/golden.fixture.js'
import { testRng } from '../rng.fixture.js'
import { autoContrast, brightness, contrast, equalise, invert, posterise, solarise, solariseAdd } from './lookups.js'
import { type AffineOptions, affine, colour, rotate, sharpness } from './neighbours.js'
import { randAugment, randAugmentOperations } from './rand-augment.js'

/** With contrast to be had, and pixels enough to equalise. */
const whole = source([20, 30, 3], 4)
const image = { ...whole, data: whole.data.map((value) => 60 + (value >> 1)) }
const options: AffineOptions = { interpolation: 'bilinear', fill: [1, 2, 3] }
const drawing = (uniform: number): Rng => ({ ...testRng(0), uniform: () => uniform })

describe('operations', () => {
  // What timm's `*_level_to_arg` give for the level 7, and for 10 and 0 where that is cut off.
  it.each<[string, boolean, number, number, (image: RawImage) => RawImage]>([
    ['AutoContrast', true, 7, 0, autoContrast],
    ['Equalize', true, 7, 0, equalise],
    ['Invert', true, 7, 0, invert],
    ['Rotate', true, 7, 0, (x) => rotate(x, 21, options)],
    ['Rotate', true, 7, 0.6, (x) => rotate(x, -21, options)],
    ['Posterize', true, 7, 0, (x) => posterise(x, 2)],
    ['Posterize', true, 10, 0, (x) => posterise(x, 0)],
    ['Posterize', false, 7, 0, (x) => posterise(x, 2)],
    ['Posterize', false, 9.9, 0, (x) => posterise(x, 3)],
    ['Solarize', true, 7, 0, (x) => solarise(x, 256 - 179)],
    ['Solarize', false, 7, 0, (x) => solarise(x, 179)],
    ['SolarizeAdd', true, 7, 0, (x) => solariseAdd(x, 77)],
    ['Color', true, 7, 0, (x) => colour(x, 1 + 0.7 * 0.9)],
    ['Color', true, 7, 0.6, (x) => colour(x, 1 - 0.7 * 0.9)],
    ['Color', false, 7, 0, (x) => colour(x, 0.7 * 1.8 + 0.1)],
    ['Contrast', true, 10, 0.6, (x) => contrast(x, 0.1)],
    ['Brightness', false, 0, 0, (x) => brightness(x, 0.1)],
    ['Sharpness', true, 7, 0, (x) => sharpness(x, 1.63)],
    ['ShearX', true, 7, 0, (x) => affine(x, [1, 0.7 * 0.3, 0, 0, 1, 0], options)],
    ['ShearY', true, 7, 0.6, (x) => affine(x, [1, 0, 0, -0.7 * 0.3, 1, 0], options)],
    ['TranslateX', true, 7, 0, (x) => affine(x, [1, 0, 0.7 * 0.45 * 30, 0, 1, 0], options)],
    ['TranslateY', true, 7, 0.6, (x) => affine(x, [1, 0, 0, 0, 1, -0.7 * 0.45 * 20], options)],
  ])('%s, increasing %s, at level %d with a draw of %d', (name, increasing, level, draw, expected) => {
    const { apply } = randAugmentOperations(increasing).find((operation) => operation.name === name)!
    expect(apply(image, level, drawing(draw), options)).toEqual(expected(image))
    expect(expected(image)).not.toEqual(image)
  })

  it('are the fifteen of timm', () => {
    expect(randAugmentOperations(true)).toHaveLength(15)
  })
})

describe('randAugment', () => {
  /** Draws from a seed, and notes the operations and the interpolations that are drawn. */
  const noting = (seed: number) => {
    const rng = testRng(seed)
    const drawn: number[] = []
    const integer = (bound: number) => {
      drawn.push(bound * 1000 + rng.integer(bound))
      return drawn.at(-1)! % 1000
    }
    return { rng: { ...rng, integer } satisfies Rng, drawn }
  }

  it('draws all operations alike, and applies each half of the time', () => {
    const { rng, drawn } = noting(1)
    const augment = randAugment({ layers: 1 }, 'random', options.fill)
    const small = source([3, 3, 3])
    const same = Array.from({ length: 6000 }, () => augment(small, rng)).filter((found) => found === small).length
    expect(same / 6000).toBeGreaterThan(0.47)
    expect(same / 6000).toBeLessThan(0.53)
    const counts = new Array<number>(15).fill(0)
    for (const each of drawn) counts[each - 15000]!++
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(100)
  })

  it('gives grey pictures all but Color', () => {
    const { rng, drawn } = noting(2)
    const grey = source([3, 3, 1])
    for (let i = 0; i < 200; i++) expect(randAugment({}, 'random', [0])(grey, rng)).toMatchObject({ channels: 1, height: 3, width: 3 })
    expect(new Set(drawn)).toEqual(new Set(Array.from({ length: 14 }, (_, i) => 14000 + i)))
    expect(drawn).toHaveLength(400)
    expect(() => randAugment({}, 'random', [0])({ ...grey, channels: 9, height: 1, width: 1 }, rng)).toThrow('of 1 or 3 channels, got 9')
  })

  it('draws the magnitude about its mean, and cuts it off', () => {
    const solariseAddOnly = (normal: number, uniform = 0.9): Rng => ({
      ...testRng(0),
      integer: () => 6,
      uniform: () => uniform,
      normal: () => normal,
    })
    const augment = (std: number | undefined, normal: number) =>
      randAugment({ layers: 1, std }, 'bilinear', options.fill)(image, solariseAddOnly(normal))
    expect(augment(0, 5)).toEqual(solariseAdd(image, 99))
    expect(augment(undefined, -2)).toEqual(solariseAdd(image, 88))
    expect(augment(2, -2)).toEqual(solariseAdd(image, 55))
    expect(augment(2, 2)).toEqual(solariseAdd(image, 110))
    expect(augment(2, -9)).toEqual(solariseAdd(image, 0))
    expect(augment(Infinity, 7)).toEqual(solariseAdd(image, Math.trunc(0.81 * 110)))
  })

  it('gives the same pictures for a seed and leaves the given one alone', () => {
    const before = image.data.slice()
    const augment = (seed: number) => randAugment({ layers: 3 }, 'random', options.fill)(image, testRng(seed))
    expect(augment(4)).toEqual(augment(4))
    expect(new Set(Array.from({ length: 40 }, (_, seed) => augment(seed).data.join())).size).toBeGreaterThan(25)
    expect(image.data).toEqual(before)
  })
})
