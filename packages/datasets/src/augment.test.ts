import type { Rng } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shiftAndFlip } from './augment.js'
import { testRng } from './rng.fixture.js'

/** Draws what it is told to: shifts as offsets from -shift, then the coin. */
const scripted = (...draws: number[]): Rng => ({ ...testRng(0), integer: () => draws.shift()!, uniform: () => draws.shift()! })
const image = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)
const shape = [1, 3, 3, 1] as const
const shifted = (down: number, right: number) => [...shiftAndFlip({ shift: 2, flip: false }, scripted(down + 2, right + 2))(image, shape)]

describe('shiftAndFlip', () => {
  it('moves an image and fills with zeros', () => {
    expect(shifted(0, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(shifted(1, 0)).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6])
    expect(shifted(0, -1)).toEqual([2, 3, 0, 5, 6, 0, 8, 9, 0])
    expect(shifted(-2, 2)).toEqual([0, 0, 7, 0, 0, 0, 0, 0, 0])
  })

  it('mirrors left to right, channel by channel, before it shifts', () => {
    const flip = { shift: 1, flip: true }
    expect([...shiftAndFlip(flip, scripted(1, 1, 0.49))(image, shape)]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7])
    expect([...shiftAndFlip(flip, scripted(1, 1, 0.5))(image, shape)]).toEqual([...image])
    expect([...shiftAndFlip(flip, scripted(1, 2, 0))(image, shape)]).toEqual([0, 3, 2, 0, 6, 5, 0, 9, 8])
    expect([...shiftAndFlip(flip, scripted(1, 1, 0))(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 2, 2, 2])]).toEqual([
      3, 4, 1, 2, 7, 8, 5, 6,
    ])
  })

  it('treats every image apart and by the seed', () => {
    const batch = Uint8Array.from({ length: 20 * 9 }, (_, i) => 1 + (i % 9))
    const augment = (seed: number) => shiftAndFlip({ shift: 2, flip: true }, testRng(seed))(batch, [20, 3, 3, 1])
    expect(augment(1)).toEqual(augment(1))
    expect(augment(1)).not.toEqual(augment(2))
    const images = new Set(
      Array.from({ length: 20 }, (_, i) =>
        augment(1)
          .subarray(i * 9, i * 9 + 9)
          .join(),
      ),
    )
    expect(images.size).toBeGreaterThan(10)
  })

  it('draws all shifts and both sides', () => {
    const dot = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0)
    const augment = shiftAndFlip({ shift: 1, flip: false }, testRng(3))
    expect(new Set(Array.from({ length: 200 }, () => augment(dot, shape).indexOf(1)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8]))
    const side = shiftAndFlip({ shift: 0, flip: true }, testRng(3))
    const left = Array.from({ length: 400 }, () => side(Uint8Array.of(1, 0), [1, 1, 2, 1])[0]!).reduce((sum, value) => sum + value)
    expect(left).toBeGreaterThan(150)
    expect(left).toBeLessThan(250)
  })

  it('leaves the given pixels alone and makes none up', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 40, maxLength: 40 }), (seed, pixels) => {
        const before = pixels.slice()
        const augmented = shiftAndFlip({ shift: 1, flip: true }, testRng(seed))(pixels, [2, 2, 5, 2])
        expect(pixels).toEqual(before)
        expect(augmented).toHaveLength(40)
        const left = [...pixels]
        for (const value of augmented.filter((value) => value > 0)) {
          expect(left).toContain(value)
          left.splice(left.indexOf(value), 1)
        }
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('refuses bad settings and shapes', () => {
    expect(() => shiftAndFlip({ shift: -1, flip: false }, testRng(0))).toThrow('shift must be an integer of at least 0 pixels, got -1')
    expect(() => shiftAndFlip({ shift: 0.5, flip: false }, testRng(0))).toThrow('got 0.5')
    expect(() => shiftAndFlip({ shift: 3, flip: false }, testRng(0))(image, shape)).toThrow('3 x 3 out of sight; use at most 2')
    expect(() => shiftAndFlip({ shift: 1, flip: false }, testRng(0))(image, [2, 3, 3, 1])).toThrow(
      'shape 2 x 3 x 3 x 1 needs 18 pixels, got 9',
    )
  })
})
