import type { RawImage, Rng } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { augmentOne } from './augment.js'
import { testRng } from './rng.fixture.js'

/** Draws what it is told to. */
const scripted = (...draws: number[]): Rng => ({ ...testRng(0), integer: () => draws.shift()!, uniform: () => draws.shift()! })
const image: RawImage = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), height: 3, width: 3, channels: 1 }

describe('shift', () => {
  const shifted = (down: number, right: number) => [...augmentOne({ shift: 2 })(image, scripted(down + 2, right + 2)).data]

  it('moves an image and fills with zeros', () => {
    expect(shifted(0, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(shifted(1, 0)).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6])
    expect(shifted(0, -1)).toEqual([2, 3, 0, 5, 6, 0, 8, 9, 0])
    expect(shifted(-2, 2)).toEqual([0, 0, 7, 0, 0, 0, 0, 0, 0])
  })

  it('draws all shifts', () => {
    const dot = { ...image, data: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0) }
    const [augment, rng] = [augmentOne({ shift: 1 }), testRng(3)]
    expect(new Set(Array.from({ length: 200 }, () => augment(dot, rng).data.indexOf(1)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8]))
  })

  it('refuses what is no number of pixels, and what can move an image out of sight', () => {
    expect(() => augmentOne({ shift: -1 })).toThrow('augment.shift must be an integer of at least 0 pixels, got -1')
    expect(() => augmentOne({ shift: 0.5 })).toThrow('got 0.5')
    expect(() => augmentOne({ shift: 3 })(image, testRng(0))).toThrow('3 x 3 out of sight; use at most 2')
  })
})

describe('flip', () => {
  it('mirrors left to right, channel by channel, before a shift', () => {
    expect([...augmentOne({ flip: true })(image, scripted(0.49)).data]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7])
    expect(augmentOne({ flip: true })(image, scripted(0.5))).toBe(image)
    expect([...augmentOne({ flip: 0.1, shift: 1 })(image, scripted(0.09, 1, 2)).data]).toEqual([0, 3, 2, 0, 6, 5, 0, 9, 8])
    const colours = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), height: 2, width: 2, channels: 2 }
    expect([...augmentOne({ flip: 1 })(colours, testRng(0)).data]).toEqual([3, 4, 1, 2, 7, 8, 5, 6])
  })

  it.each([
    [true, 0.5],
    [0.2, 0.2],
  ])('of %s happens with probability %d', (flip, probability) => {
    const [augment, rng] = [augmentOne({ flip }), testRng(3)]
    const mirrored = Array.from({ length: 2000 }, () => augment(image, rng)).filter((found) => found !== image).length
    expect(mirrored / 2000).toBeGreaterThan(probability - 0.04)
    expect(mirrored / 2000).toBeLessThan(probability + 0.04)
  })

  it('refuses what is no probability', () => {
    expect(() => augmentOne({ flip: 1.5 })).toThrow('augment.flip must be true, false or a probability from 0 to 1, got 1.5')
    expect(() => augmentOne({ flip: 'yes' as never })).toThrow('got yes')
  })
})

it('leaves the given pixels alone and makes none up', () => {
  fc.assert(
    fc.property(fc.nat(), fc.uint8Array({ minLength: 20, maxLength: 20 }), (seed, pixels) => {
      const before = pixels.slice()
      const augmented = augmentOne({ shift: 1, flip: true })({ data: pixels, height: 2, width: 5, channels: 2 }, testRng(seed))
      expect(pixels).toEqual(before)
      expect(augmented.data).toHaveLength(20)
      const left = [...pixels]
      for (const value of augmented.data.filter((value) => value > 0)) {
        expect(left).toContain(value)
        left.splice(left.indexOf(value), 1)
      }
    }),
    { seed: 1, numRuns: 50 },
  )
})

it('ends with a change of one’s own', () => {
  const invert = (image: RawImage) => ({ ...image, data: image.data.map((value) => 255 - value) })
  expect([...augmentOne({ flip: 1, custom: invert })(image, testRng(0)).data]).toEqual([252, 253, 254, 249, 250, 251, 246, 247, 248])
})
